import { Worker } from 'node:worker_threads';
import type { SQLInputValue } from 'node:sqlite';
import { DatabaseError } from '../database-error.ts';
import type { SqliteAnswer, SqliteGreeting, SqliteRequest, SqliteResult, SqliteWorkerData } from './protocol.ts';
import { toDatabaseError } from './sqlite-error.ts';

type Waiting = { resolve(result: SqliteResult): void; reject(error: DatabaseError): void };

/** This side of a worker: requests out, answers in, in order. */
export class SqliteWorker implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #lost: DatabaseError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: SqliteAnswer) => this.#settle(answer));
    worker.on('error', (error) => this.#lose(error));
    worker.on('exit', () => this.#lose(undefined));
  }

  static async open(data: SqliteWorkerData): Promise<SqliteWorker> {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: data,
      name: data.readOnly ? 'sqlite-reader' : 'sqlite-writer',
      execArgv: [],
    });
    const { promise, resolve, reject } = Promise.withResolvers<SqliteGreeting>();
    worker.once('message', resolve);
    worker.once('error', reject);
    const greeting = await promise;
    worker.off('error', reject);
    if (greeting.opened) return new SqliteWorker(worker);
    await worker.terminate();
    throw toDatabaseError(greeting.failure);
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  execute(sql: string, parameters: readonly unknown[]): Promise<SqliteResult> {
    return this.#send({ id: ++this.#lastId, sql, parameters: parameters as readonly SQLInputValue[] });
  }

  rollback(): Promise<SqliteResult> {
    return this.#send({ id: ++this.#lastId, rollback: true });
  }

  async [Symbol.asyncDispose]() {
    await this.#worker.terminate();
  }

  #send(request: SqliteRequest): Promise<SqliteResult> {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread is no window.
      this.#worker.postMessage(request);
    });
  }

  #settle(answer: SqliteAnswer) {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('result' in answer) waiting?.resolve(answer.result);
    else waiting?.reject(toDatabaseError(answer.failure));
  }

  /** Whether the statement at work was committed is not known, as with a server that went away. */
  #lose(cause: unknown) {
    this.#lost ??= new DatabaseError('the thread that holds the SQLite connection has ended', {
      retryable: true,
      cause,
    });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#lost);
    this.#waiting.clear();
  }
}
