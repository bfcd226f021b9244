import type { Transaction } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from './database-error.ts';
import type { Database } from './database.ts';
import type { CounterName, Schema } from './schema.ts';

const maxAttempts = 5;

/**
 * Runs `work` in a transaction of the writer. It is run again when the database undid it because of another
 * transaction, so it must have no other effect than on the database.
 */
export async function inTransaction<T>(db: Database, work: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.write.transaction().execute(work);
    } catch (error) {
      if (!(error instanceof DatabaseError) || !error.conflict || attempt === maxAttempts) throw error;
      await delay(10 * 2 ** attempt);
    }
  }
}

/**
 * The next `count` numbers of a gapless sequence, as the first of them. Until the transaction ends nobody else gets
 * one, so the order of the numbers is the order of the commits; take them as late in a transaction as possible.
 */
export async function nextNumbers(trx: Transaction<Schema>, name: CounterName, count: number): Promise<number> {
  const { value } = await trx
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', count) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value - count + 1;
}
