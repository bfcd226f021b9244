import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import { DatabaseError } from '../database-error.ts';
import { Turns } from './turns.ts';
import { SqliteWorker } from './worker-client.ts';
import type { SqliteWorkerData } from './protocol.ts';

/** Kysely over one connection in a worker thread. Callers take turns; a transaction keeps its turn until it ends. */
export class SqliteWorkerDialect implements Dialect {
  readonly #data: SqliteWorkerData;
  readonly #first: SqliteWorker;

  /** `first` is already open, so that a file that cannot be opened is found out at start. */
  constructor(data: SqliteWorkerData, first: SqliteWorker) {
    this.#data = data;
    this.#first = first;
  }

  createDriver(): Driver {
    return new SqliteWorkerDriver(this.#data, this.#first);
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler();
  }

  createAdapter() {
    return new WorkerAdapter();
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db);
  }
}

/** Turns are taken in the driver: Kysely's own lock is never released when a connection cannot be had. */
class WorkerAdapter extends SqliteAdapter {
  override get supportsMultipleConnections() {
    return true;
  }
}

class SqliteWorkerDriver implements Driver {
  readonly #data: SqliteWorkerData;
  readonly #turns = new Turns();
  #worker: SqliteWorker;

  constructor(data: SqliteWorkerData, worker: SqliteWorker) {
    this.#data = data;
    this.#worker = worker;
  }

  async init() {
    // The worker is open before Kysely exists.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.take();
    try {
      // A worker that has died (out of memory) is replaced at the next turn, never within one: whatever it had in a
      // transaction is gone, and must fail as a whole.
      if (!this.#worker.alive) this.#worker = await SqliteWorker.open(this.#data);
      return new SqliteConnection(this.#worker);
    } catch (error) {
      this.#turns.pass();
      throw error;
    }
  }

  async beginTransaction(connection: DatabaseConnection) {
    // A writer takes the lock at once. With a deferred `begin` two processes that both read first could only fail.
    await connection.executeQuery(CompiledQuery.raw(this.#data.readOnly ? 'begin' : 'begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection) {
    await (connection as SqliteConnection).rollback();
  }

  async releaseConnection() {
    this.#turns.pass();
  }

  async destroy() {
    await this.#turns.take();
    await this.#worker[Symbol.asyncDispose]();
    this.#turns.pass();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #worker: SqliteWorker;

  constructor(worker: SqliteWorker) {
    this.#worker = worker;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { columns, rows, changes } = await this.#worker.execute(query.sql, query.parameters);
    const affected = query.query.kind === 'SelectQueryNode' ? {} : { numAffectedRows: BigInt(changes) };
    return { ...affected, rows: rows.map((row) => toObject(columns, row)) as R[] };
  }

  /** Nothing to undo in a worker that is gone: the next one starts without a transaction. */
  async rollback() {
    if (this.#worker.alive) await this.#worker.rollback();
  }

  // oxlint-disable-next-line require-yield -- The interface wants a generator, and there is nothing to generate.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new DatabaseError('sqlite: a stream would hold the connection; read page by page, by key', {});
  }
}

function toObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index++) object[columns[index] as string] = row[index];
  return object;
}
