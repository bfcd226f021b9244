import { expect, test } from 'vitest';
import { Batcher } from '../../src/presence/batcher.ts';

type Call = { readonly items: number[]; readonly end: (stored: boolean) => void };

function batcher(limits = { maxBatch: 3, maxInFlight: 1, maxQueued: 5 }) {
  const calls: Call[] = [];
  const defects: unknown[] = [];
  const batch = new Batcher<number>(
    (items) => new Promise((end) => calls.push({ items, end })),
    limits,
    (error) => defects.push(error),
  );
  const done: [number, boolean][] = [];
  const add = (item: number) => batch.add(item, (stored) => void done.push([item, stored]));
  return { batch, calls, done, add, defects };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what arrives in one turn of the event loop is one call', async () => {
  const { calls, add } = batcher();
  add(1);
  add(2);
  expect(calls).toHaveLength(0);
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1, 2]]);
});

test('what arrives while as many calls as allowed are on their way is the next one, and each item has its own answer', async () => {
  const { batch, calls, done, add } = batcher();
  add(1);
  await turn();
  add(2);
  add(3);
  await turn();
  expect(calls).toHaveLength(1);
  calls[0]?.end(true);
  await turn();
  expect(calls[1]?.items).toEqual([2, 3]);
  calls[1]?.end(false);
  await batch.drained();
  expect(done).toEqual([
    [1, true],
    [2, false],
    [3, false],
  ]);
});

test('a batch has a limit, and so has what waits: beyond it an item is refused at once', async () => {
  const { calls, done, add } = batcher();
  for (const item of [1, 2, 3]) add(item);
  expect(calls.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  for (const item of [4, 5, 6, 7, 8, 9]) add(item);
  expect(done).toEqual([[9, false]]);
  calls[0]?.end(true);
  await turn();
  expect(calls[1]?.items).toEqual([4, 5, 6]);
});

test('an item whose answer fails costs the others nothing', async () => {
  const { batch, calls, done, add, defects } = batcher();
  batch.add(0, () => {
    throw new Error('no return port');
  });
  add(1);
  await turn();
  calls[0]?.end(true);
  await batch.drained();
  expect(done).toEqual([[1, true]]);
  expect(defects).toHaveLength(1);
});
