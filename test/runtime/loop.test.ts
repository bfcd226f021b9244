import { expect, test } from 'vitest';
import { backoffMs } from '../../src/runtime/backoff.ts';
import { Loop } from '../../src/runtime/loop.ts';

const backoff = { firstMs: 1, mostMs: 1 };
const never = 3_600_000;

test('waits double after every failure, up to the limit, less up to a half', () => {
  const limits = { firstMs: 100, mostMs: 1_000 };
  expect([1, 2, 3, 4, 5, 5_000].map((failures) => backoffMs(failures, limits, 0))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backoffMs(3, limits, 1)).toBe(200);
});

test('a loop that is woken while it works goes round again, and never twice at once', async () => {
  let rounds = 0;
  let atWork = 0;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  await using loop: Loop = new Loop({
    everyMs: never,
    backoff,
    onError: () => undefined,
    run: async () => {
      atWork += 1;
      expect(atWork).toBe(1);
      await new Promise(setImmediate);
      rounds += 1;
      if (rounds < 3) loop.wake();
      else resolve();
      atWork -= 1;
    },
  });
  await done;
  expect(rounds).toBe(3);
});

test('a loop that fails says how often in a row, and goes on', async () => {
  const failures: number[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let rounds = 0;
  await using _loop = new Loop({
    everyMs: 1,
    backoff,
    onError: (_error, count) => failures.push(count),
    run: async () => {
      rounds += 1;
      if (rounds === 5) resolve();
      if (rounds !== 3) throw new Error('no');
    },
  });
  await done;
  expect(failures.slice(0, 3)).toEqual([1, 2, 1]);
});

test('the end of a loop waits for the round at work, which is told', async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  let ended = false;
  const loop = new Loop({
    everyMs: never,
    backoff,
    onError: () => undefined,
    run: async (signal) => {
      start();
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
      });
      ended = true;
    },
  });
  await started;
  await loop[Symbol.asyncDispose]();
  expect(ended).toBe(true);
});
