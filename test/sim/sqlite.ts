import {
  CompiledQuery,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Schema } from '../../src/db/schema.ts';
import { Signal } from '../../src/db/signal.ts';
import { toDatabaseError, type SqliteFailure } from '../../src/db/sqlite/sqlite-error.ts';
import { systemClock } from '../../src/runtime/clock.ts';

/**
 * The ledger's SQLite in this thread and in memory: the same engine, schema and errors, without the way to a thread and a disk, which
 * would be most of what a seed takes.
 */
export async function openSqliteHere(): Promise<Database> {
  const connection = new Connection(new DatabaseSync(':memory:', { enableForeignKeyConstraints: true }));
  const kysely = new Kysely<Schema>({ dialect: new DialectHere(connection) });
  const db: Database = {
    kind: 'sqlite',
    write: kysely,
    read: kysely,
    ping: async () => undefined,
    registryChanged: new Signal(),
    [Symbol.asyncDispose]: () => kysely.destroy(),
  };
  await migrate(db, systemClock);
  return db;
}

class Connection implements DatabaseConnection {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, { readonly statement: StatementSync; readonly returnsRows: boolean }>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    try {
      let prepared = this.#statements.get(sql);
      if (prepared === undefined) {
        const fresh = this.database.prepare(sql);
        prepared = { statement: fresh, returnsRows: fresh.columns().length > 0 };
        if (sql.length < 4096) this.#statements.set(sql, prepared);
      }
      const { statement, returnsRows } = prepared;
      const values = parameters as readonly SQLInputValue[];
      if (!returnsRows) {
        return { numAffectedRows: BigInt(statement.run(...values).changes), rows: [] };
      }
      const rows = statement.all(...values) as R[];
      return { rows, ...(query.kind !== 'SelectQueryNode' && { numAffectedRows: BigInt(rows.length) }) };
    } catch (error) {
      const { message, errcode = 1 } = error as Error & { errcode?: number };
      throw toDatabaseError({ message, code: errcode } satisfies SqliteFailure);
    }
  }

  // oxlint-disable-next-line require-yield -- The interface wants a generator, and there is nothing to generate.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('nothing is streamed here');
  }
}

class DialectHere implements Dialect {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  createDriver(): Driver {
    const connection = this.#connection;
    const run = async (sql: string): Promise<void> => void (await connection.executeQuery(CompiledQuery.raw(sql)));
    return {
      init: async () => undefined,
      acquireConnection: async () => connection,
      beginTransaction: async () => await run('begin immediate'),
      commitTransaction: async () => await run('commit'),
      rollbackTransaction: async () => (connection.database.isTransaction ? await run('rollback') : undefined),
      releaseConnection: async () => undefined,
      destroy: async () => connection.database.close(),
    };
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler();
  }

  createAdapter() {
    return new SqliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db);
  }
}
