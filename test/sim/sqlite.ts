import { Kysely, SqliteDialect, type SqliteStatement } from 'kysely';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { AuditLog } from '../../src/db/audit-log.ts';
import type { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Schema } from '../../src/db/schema.ts';
import { Signal } from '../../src/db/signal.ts';
import { toDatabaseError } from '../../src/db/sqlite/sqlite-error.ts';
import { systemClock } from '../../src/runtime/clock.ts';

/**
 * The ledger's SQLite in this thread and in memory: the same engine, schema and errors, without the way to a thread and a disk, which
 * would be most of what a seed takes.
 */
export async function openSqliteHere(): Promise<Database> {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true });
  const statements = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    const known = statements.get(sql) ?? withOurErrors(() => prepareHere(database, sql));
    // Those of many rows come with each number of rows anew.
    if (sql.length < 4096) statements.set(sql, known);
    return known;
  };
  const kysely = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: { prepare, close: () => database.close() } }),
  });
  const db: Database = {
    kind: 'sqlite',
    write: kysely,
    read: kysely,
    ping: async () => undefined,
    registryChanged: new Signal(),
    audit: new AuditLog('sqlite'),
    [Symbol.asyncDispose]: () => kysely.destroy(),
  };
  await migrate(db, systemClock);
  return db;
}

/** A statement of node:sqlite as Kysely's dialect takes those of better-sqlite3. */
function prepareHere(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql);
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => withOurErrors(() => statement.all(...values(parameters))),
    run: (parameters) => withOurErrors(() => statement.run(...values(parameters))),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

function withOurErrors<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { message, errcode = 1 } = error as Error & { errcode?: number };
    throw toDatabaseError({ message, code: errcode });
  }
}
