import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 20;

/** Asks again until the answer is neither undefined nor false. For processes of their own, which cannot be awaited. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`gave up after ${timeoutMs} ms waiting until ${what}`);
    await delay(EVERY_MS);
  }
}

/** For what must not happen: looks again for a while, and fails at the first time that it did. */
export async function never(what: string, forMs: number, happened: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline) {
    if (await happened()) throw new Error(`it happened although it must not: ${what}`);
    await delay(EVERY_MS);
  }
}
