import { DatabaseError } from './database-error.ts';

/** Gives up waiting after `limitMs`; the work itself goes on, and what becomes of it then matters to nobody. */
export async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new DatabaseError(`the database gave no answer within ${limitMs} ms`, { retryable: true }));
  }, limitMs);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
