import { DeadlineError, withDeadline } from '../runtime/deadline.ts';
import { DatabaseError } from './database-error.ts';

/** Gives up waiting for the database after `limitMs`, with an error that says that a retry may help. */
export async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  try {
    await withDeadline(limitMs, work);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    throw new DatabaseError(`the database gave ${error.message}`, { retryable: true, cause: error });
  }
}
