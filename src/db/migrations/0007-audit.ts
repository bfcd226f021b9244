import { sql, type ColumnDataType, type Transaction } from 'kysely';
import type { Schema } from '../schema.ts';
import type { DatabaseKind, Migration } from './migration.ts';

/** Who changed or looked up what, and what it takes to delete what is old. */
export const audit: Migration = {
  name: '0007-audit',
  up: async (trx, kind) => {
    const integer: ColumnDataType = kind === 'sqlite' ? 'integer' : 'bigint';
    await createAudit(trx, kind, integer);
    await (kind === 'sqlite' ? protectSqlite(trx) : protectPostgres(trx));
    await prepareRetention(trx, integer);
  },
};

async function createAudit(trx: Transaction<Schema>, kind: DatabaseKind, integer: ColumnDataType) {
  const strict = kind === 'sqlite' ? sql`strict` : sql``;
  await trx.schema
    .createTable('audit')
    .addColumn('sequence', integer, (c) => c.notNull().primaryKey())
    .addColumn('at', integer, (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('actor_role', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('subject', 'text')
    .addColumn('object_id', 'text')
    .addColumn('space_id', 'text')
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('sealed', 'text')
    .addColumn('previous_hash', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .modifyEnd(strict)
    .execute();
  for (const column of ['subject', 'actor', 'action', 'at'] as const) {
    await trx.schema.createIndex(`audit_by_${column}`).on('audit').columns([column, 'sequence']).execute();
  }
  // Whom a pseudonym stands for, as long as there is such a customer.
  await trx.schema
    .createTable('audit_subjects')
    .addColumn('subject', 'text', (c) => c.notNull().primaryKey())
    .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
    .modifyEnd(strict)
    .execute();
  await trx.schema.createIndex('audit_subjects_by_customer').on('audit_subjects').column('customer_id').execute();
  // The last line that retention has removed: what the oldest one is chained to.
  await trx.schema
    .createTable('audit_anchor')
    .addColumn('id', integer, (c) => c.notNull().primaryKey())
    .addColumn('sequence', integer, (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('proof', 'text', (c) => c.notNull())
    .modifyEnd(strict)
    .execute();
  await trx.insertInto('audit_anchor').values({ id: 1, sequence: 0, hash: '', proof: '' }).execute();
  await trx.insertInto('counters').values({ name: 'audit', value: 0 }).execute();
}

const appendOnly = 'the audit log is append-only';

async function protectSqlite(trx: Transaction<Schema>) {
  const refuse = sql.raw(`begin select raise(abort, '${appendOnly}'); end`);
  await sql`create trigger audit_no_update before update on audit ${refuse}`.execute(trx);
  await sql`create trigger audit_no_delete before delete on audit
    when old.sequence > (select sequence from audit_anchor) ${refuse}`.execute(trx);
  await sql`create trigger audit_anchor_forward before update on audit_anchor
    when new.sequence <= old.sequence or new.id <> old.id ${refuse}`.execute(trx);
  await sql`create trigger audit_anchor_stays before delete on audit_anchor ${refuse}`.execute(trx);
}

async function protectPostgres(trx: Transaction<Schema>) {
  await sql`create function audit_refuse() returns trigger language plpgsql as ${sql.raw(
    `$$ begin raise exception '${appendOnly}' using errcode = 'restrict_violation'; end $$`,
  )}`.execute(trx);
  const refuse = sql`execute function audit_refuse()`;
  await sql`create trigger audit_no_update before update on audit for each row ${refuse}`.execute(trx);
  await sql`create trigger audit_no_truncate before truncate on audit for each statement ${refuse}`.execute(trx);
  // A trigger's condition cannot hold a query, so the deletion's own function asks.
  await sql`create function audit_refuse_delete() returns trigger language plpgsql as ${sql.raw(
    `$$ begin
      if old.sequence > (select sequence from audit_anchor) then
        raise exception '${appendOnly}' using errcode = 'restrict_violation';
      end if;
      return old;
    end $$`,
  )}`.execute(trx);
  await sql`create trigger audit_no_delete before delete on audit
    for each row execute function audit_refuse_delete()`.execute(trx);
  await sql`create trigger audit_anchor_forward before update on audit_anchor for each row
    when (new.sequence <= old.sequence or new.id <> old.id) ${refuse}`.execute(trx);
  await sql`create trigger audit_anchor_stays before delete on audit_anchor for each row ${refuse}`.execute(trx);
  await sql`create trigger audit_anchor_whole before truncate on audit_anchor for each statement ${refuse}`.execute(
    trx,
  );
}

async function prepareRetention(trx: Transaction<Schema>, integer: ColumnDataType) {
  // What check-ins that are gone had used of a pass: it must not become fresh again when they are deleted.
  for (const column of ['past_uses', 'past_ms'] as const) {
    await trx.schema
      .alterTable('passes')
      .addColumn(column, integer, (c) => c.notNull().defaultTo(0))
      .execute();
  }
  await trx.schema.createIndex('visits_by_departure').on('visits').column('departed_at').execute();
  await sql`create index visits_with_runs on visits (departed_at) where runs <> '[]'`.execute(trx);
}
