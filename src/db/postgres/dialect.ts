import {
  AbortedTransactionError,
  CompiledQuery,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { DatabaseError } from '../database-error.ts';
import { sqlState, toDatabaseError } from './postgres-error.ts';

/**
 * Kysely over a pool. Kysely's own driver would do but for two things: errors have to arrive in one shape, and a
 * connection whose query was given up on is out of step and must not go back to the pool.
 */
export class PostgresPoolDialect implements Dialect {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  createDriver(): Driver {
    return new PostgresDriver(this.#pool);
  }

  createQueryCompiler() {
    return new PostgresQueryCompiler();
  }

  createAdapter() {
    return new PostgresAdapter();
  }

  createIntrospector(db: Kysely<unknown>) {
    return new PostgresIntrospector(db);
  }
}

class PostgresDriver implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init() {
    // The pool connects when it is first asked.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect());
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  async beginTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('begin'));
  }

  /** After a failed statement PostgreSQL answers a commit with ROLLBACK, and no error. */
  async commitTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('commit'));
    if ((connection as PostgresConnection).command === 'ROLLBACK') throw new AbortedTransactionError();
  }

  /** The error that led here is the one to report; a connection that cannot even roll back is closed on release. */
  async rollbackTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
  }

  async releaseConnection(connection: DatabaseConnection) {
    (connection as PostgresConnection).release();
  }

  async destroy() {
    await this.#pool.end();
  }
}

class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  #broken = false;
  /** The tag of the latest answer. */
  command: string | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#broken) throw new DatabaseError('postgresql: the connection was lost', { retryable: true });
    try {
      const result = await this.#client.query<R & object>(query.sql, query.parameters as unknown[]);
      this.command = result.command;
      const affected = result.command === 'SELECT' ? {} : { numAffectedRows: BigInt(result.rowCount ?? 0) };
      return { ...affected, rows: result.rows };
    } catch (error) {
      this.#broken = sqlState(error) === undefined;
      throw toDatabaseError(error);
    }
  }

  release() {
    this.#client.release(this.#broken);
  }

  // oxlint-disable-next-line require-yield -- The interface wants a generator, and there is nothing to generate.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new DatabaseError('postgresql: a stream would hold the connection; read page by page, by key', {});
  }
}
