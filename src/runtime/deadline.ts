/** Work was not done in time. What becomes of it then matters to nobody. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Gives up waiting after `limitMs`; the work itself goes on. */
export async function withDeadline<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError(`no answer within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
