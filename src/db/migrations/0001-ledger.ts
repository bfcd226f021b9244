import { sql, type ColumnDataType, type CreateTableBuilder, type Transaction } from 'kysely';
import type { Schema } from '../schema.ts';
import type { DatabaseKind, Migration } from './migration.ts';

type Context = { readonly trx: Transaction<Schema>; readonly kind: DatabaseKind; readonly integer: ColumnDataType };

export const ledger: Migration = {
  name: '0001-ledger',
  up: async (trx, kind) => {
    // In SQLite only `integer` is the row id itself when it is the primary key, and it holds 64 bits anyway.
    const context: Context = { trx, kind, integer: kind === 'sqlite' ? 'integer' : 'bigint' };
    await createRegistry(context);
    await createPasses(context);
    await createCheckIns(context);
    await createFeeds(context);
    await createAccess(context);
  },
};

async function createRegistry({ trx, kind, integer }: Context) {
  await table(trx, kind, 'customers', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('email', 'text')
      .addColumn('plan_id', 'text')
      .addColumn('active', integer, (c) => c.notNull())
      .addColumn('opted_in', integer)
      .addColumn('share_name', integer, (c) => c.notNull())
      .addColumn('data_key', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull()),
  );
  await keyed(trx, kind, 'identities', (t) =>
    t
      .addColumn('identity', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade')),
  );
  await trx.schema.createIndex('identities_by_customer').on('identities').column('customer_id').execute();
  await keyed(trx, kind, 'devices', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
      .addColumn('name', 'text')
      .addColumn('class', 'text')
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull()),
  );
  await trx.schema.createIndex('devices_by_customer').on('devices').columns(['customer_id', 'id']).execute();
  await keyed(trx, kind, 'device_addresses', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.notNull().primaryKey())
      .addColumn('tail_hash', 'text', (c) => c.notNull())
      .addColumn('device_id', 'text', (c) => c.notNull().references('devices.id').onDelete('cascade'))
      .addColumn('sealed', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('retired_at', integer),
  );
  // Holds all that the index in memory is filled with, in the order of the devices, which it is joined with.
  await trx.schema
    .createIndex('device_addresses_by_device')
    .on('device_addresses')
    .columns(['device_id', 'hash', 'retired_at'])
    .execute();
  await trx.schema.createIndex('device_addresses_by_tail').on('device_addresses').column('tail_hash').execute();
}

async function createPasses({ trx, kind, integer }: Context) {
  await table(trx, kind, 'passes', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('amount', integer)
      .addColumn('valid_from', integer)
      .addColumn('valid_until', integer)
      .addColumn('space_ids', 'text')
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('revoked_at', integer),
  );
  await trx.schema.createIndex('passes_by_customer').on('passes').columns(['customer_id', 'id']).execute();
}

async function createCheckIns({ trx, kind, integer }: Context) {
  // A customer with a history cannot simply be deleted: erasure decides first what becomes of the history.
  await table(trx, kind, 'visits', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('restrict'))
      .addColumn('space_id', 'text', (c) => c.notNull())
      .addColumn('arrived_at', integer, (c) => c.notNull())
      .addColumn('last_activity_at', integer, (c) => c.notNull())
      .addColumn('departed_at', integer)
      .addColumn('reason', 'text'),
  );
  await trx.schema
    .createIndex('visits_open')
    .on('visits')
    .columns(['customer_id', 'space_id'])
    .unique()
    .where(sql.ref('departed_at'), 'is', null)
    .execute();
  await trx.schema.createIndex('visits_by_customer').on('visits').columns(['customer_id', 'arrived_at']).execute();
  await table(trx, kind, 'check_ins', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('restrict'))
      .addColumn('space_id', 'text', (c) => c.notNull())
      .addColumn('visit_id', 'text', (c) => c.references('visits.id').onDelete('restrict'))
      .addColumn('state', 'text', (c) => c.notNull().check(sql`state in ('open', 'closed', 'failed', 'void')`))
      .addColumn('method', 'text', (c) => c.notNull())
      .addColumn('methods', 'text', (c) => c.notNull())
      .addColumn('started_at', integer, (c) => c.notNull())
      .addColumn('ended_at', integer)
      .addColumn('last_activity_at', integer, (c) => c.notNull())
      .addColumn('detected_at', integer)
      .addColumn('check_out_method', 'text')
      .addColumn('check_out_reason', 'text')
      .addColumn('failure_reason', 'text')
      .addColumn('pass_id', 'text')
      .addColumn('plan_id', 'text')
      .addColumn('device_ids', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull()),
  );
  await trx.schema
    .createIndex('check_ins_open')
    .on('check_ins')
    .columns(['customer_id', 'space_id'])
    .unique()
    .where(sql.ref('state'), '=', sql.lit('open'))
    .execute();
  await trx.schema.createIndex('check_ins_by_visit').on('check_ins').column('visit_id').execute();
  await trx.schema.createIndex('check_ins_by_start').on('check_ins').columns(['started_at', 'id']).execute();
  const lists = { customer: 'customer_id', space: 'space_id', state: 'state' } as const;
  for (const [name, column] of Object.entries(lists)) {
    await trx.schema
      .createIndex(`check_ins_by_${name}`)
      .on('check_ins')
      .columns([column, 'started_at', 'id'])
      .execute();
  }
}

async function createFeeds({ trx, kind, integer }: Context) {
  await table(trx, kind, 'events', (t) =>
    t
      .addColumn('sequence', integer, (c) => c.notNull().primaryKey())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('at', integer, (c) => c.notNull())
      .addColumn('customer_id', 'text')
      .addColumn('space_id', 'text')
      .addColumn('check_in_id', 'text')
      .addColumn('data', 'text', (c) => c.notNull()),
  );
  await table(trx, kind, 'changes', (t) =>
    t
      .addColumn('sequence', integer, (c) => c.notNull().primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('at', integer, (c) => c.notNull()),
  );
  await keyed(trx, kind, 'counters', (t) =>
    t.addColumn('name', 'text', (c) => c.notNull().primaryKey()).addColumn('value', integer, (c) => c.notNull()),
  );
  await trx
    .insertInto('counters')
    .values([
      { name: 'events', value: 0 },
      { name: 'changes', value: 0 },
    ])
    .execute();
}

async function createAccess({ trx, kind, integer }: Context) {
  await table(trx, kind, 'tokens', (t) =>
    t
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('hash', 'text', (c) => c.notNull().unique())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('space_ids', 'text')
      .addColumn('customer_id', 'text', (c) => c.references('customers.id').onDelete('cascade'))
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('expires_at', integer)
      .addColumn('last_used_at', integer)
      .addColumn('revoked_at', integer),
  );
  await trx.schema.createIndex('tokens_by_customer').on('tokens').column('customer_id').execute();
  // No reference to `tokens`: the administrator's token may come from the configuration.
  await table(trx, kind, 'idempotency_keys', (t) =>
    t
      .addColumn('token_id', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('request_hash', 'text', (c) => c.notNull())
      .addColumn('status', integer)
      .addColumn('body', 'text')
      .addColumn('created_at', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_pk', ['token_id', 'key']),
  );
  await trx.schema.createIndex('idempotency_keys_by_age').on('idempotency_keys').column('created_at').execute();
  await keyed(trx, kind, 'settings', (t) =>
    t.addColumn('key', 'text', (c) => c.notNull().primaryKey()).addColumn('value', 'text', (c) => c.notNull()),
  );
}

type Columns = (table: CreateTableBuilder<string>) => CreateTableBuilder<string>;

/** SQLite's STRICT makes it refuse a wrong type, as PostgreSQL does. */
async function table(trx: Transaction<Schema>, kind: DatabaseKind, name: string, columns: Columns) {
  const built = columns(trx.schema.createTable(name));
  await (kind === 'sqlite' ? built.modifyEnd(sql`strict`) : built).execute();
}

/** Short rows that are found by their text key live in the key's own tree: half the pages, half the look-ups. */
async function keyed(trx: Transaction<Schema>, kind: DatabaseKind, name: string, columns: Columns) {
  const built = columns(trx.schema.createTable(name));
  await (kind === 'sqlite' ? built.modifyEnd(sql`strict, without rowid`) : built).execute();
}
