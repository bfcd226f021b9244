/** Redis did not answer, or refused. The same may succeed later, unchanged. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly retryable = true;
}

/** Waits for what was asked of Redis; every failure of it is a `RedisError`. */
export async function asked<T>(question: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new RedisError(`${question}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
