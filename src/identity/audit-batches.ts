import type { AuditLine } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';

/** What one transaction writes at most; those who wait are as many as there are calls at work. */
const linesPerBatch = 500;

type Waiting = { readonly line: AuditLine; readonly written: PromiseWithResolvers<void> };

/**
 * Writes lines that belong to no other transaction, such as those of look-ups. While one batch is being committed the next
 * one gathers, so that many calls at once share a commit and one alone waits for nobody.
 */
export class AuditBatches {
  readonly #db: Database;
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Resolves when the line is committed. */
  async write(line: AuditLine): Promise<void> {
    const written = Promise.withResolvers<void>();
    this.#waiting.push({ line, written });
    if (!this.#isWriting) void this.#writeAll();
    await written.promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, linesPerBatch);
      const lines = batch.map(({ line }) => line);
      try {
        await inTransaction(this.#db, async (trx) => await this.#db.audit.append(trx, lines));
        for (const { written } of batch) written.resolve();
      } catch (error) {
        for (const { written } of batch) written.reject(error);
      }
    }
    this.#isWriting = false;
  }
}
