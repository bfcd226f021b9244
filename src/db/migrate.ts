import { sql, type Transaction } from 'kysely';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/user-error.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';
import { ledger } from './migrations/0001-ledger.ts';
import { evidence } from './migrations/0002-evidence.ts';
import { devices } from './migrations/0003-devices.ts';
import { privacy } from './migrations/0006-privacy.ts';
import { audit } from './migrations/0007-audit.ts';
import type { Migration } from './migrations/migration.ts';
import type { Schema } from './schema.ts';

/** In the order in which they run. */
const migrations: readonly Migration[] = [ledger, evidence, devices, privacy, audit];

type MigrationsTable = { migrations: { name: string; applied_at: number } };

/** Any number, as long as nothing else takes it: two nodes that start together migrate one after the other. */
const advisoryLock = 7_265_545_991;

/**
 * Applies what is missing in one transaction: after a failure the schema is what it was. Returns the names of what it
 * applied. A schema newer than this program is refused, since an old program would write what the new one does not expect.
 */
export async function migrate(db: Database, clock: Clock): Promise<readonly string[]> {
  return inTransaction(db, async (trx) => {
    if (db.kind === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(advisoryLock)})`.execute(trx);
    const table = sql`create table if not exists migrations (name text not null primary key, applied_at bigint not null)`;
    await table.execute(trx);
    const missing = await pending(trx);
    for (const migration of missing) {
      await migration.up(trx, db.kind);
      await own(trx).insertInto('migrations').values({ name: migration.name, applied_at: clock.now() }).execute();
    }
    return missing.map(({ name }) => name);
  });
}

/** For commands that use a ledger and do not change its schema. */
export async function requireCurrentSchema(db: Database): Promise<void> {
  await inTransaction(db, async (trx) => {
    const missing = (await hasMigrationsTable(trx, db.kind)) ? await pending(trx) : migrations;
    if (missing.length > 0) {
      throw new UserError('the ledger was written by an older Rollcall; run "rollcall migrate" first');
    }
  });
}

async function pending(trx: Transaction<Schema>): Promise<readonly Migration[]> {
  const rows = await own(trx).selectFrom('migrations').select('name').execute();
  const applied = new Set(rows.map(({ name }) => name));
  const known = new Set(migrations.map(({ name }) => name));
  for (const name of applied) {
    if (known.has(name)) continue;
    throw new UserError(
      `the ledger was written by a newer Rollcall (it has "${name}"); install that version, or restore a backup made by this one`,
    );
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

async function hasMigrationsTable(trx: Transaction<Schema>, kind: Database['kind']): Promise<boolean> {
  const found =
    kind === 'sqlite'
      ? await sql`select 1 from sqlite_schema where name = 'migrations'`.execute(trx)
      : await sql`select 1 where to_regclass('migrations') is not null`.execute(trx);
  return found.rows.length > 0;
}

/** The table of migrations is nobody else's business, and so no part of `Schema`. */
function own(trx: Transaction<Schema>): Transaction<MigrationsTable> {
  return trx as unknown as Transaction<MigrationsTable>;
}
