import { setImmediate as breath } from 'node:timers/promises';

/** Some milliseconds' work. */
const itemsPerTurn = 5_000;

/**
 * The items in the order of their keys, a slice for each beginning at a time, after which others have their turn.
 * Rows that are written in the order of their keys fill a page of a B-tree after the other; in the order of a file, whose
 * keys are random, each touches a page of its own.
 */
export async function inOrder<Item>(items: readonly Item[], keyOf: (item: Item) => string): Promise<Item[]> {
  const slices = new Map<string, Item[]>();
  for (const item of items) {
    const first = keyOf(item).slice(0, 2);
    const slice = slices.get(first);
    if (slice === undefined) slices.set(first, [item]);
    else slice.push(item);
  }
  const ordered: Item[] = [];
  let done = 0;
  for (const first of [...slices.keys()].toSorted(compare)) {
    const slice = slices.get(first) as Item[];
    slice.sort((a, b) => compare(keyOf(a), keyOf(b)));
    for (const item of slice) ordered.push(item);
    if ((done += slice.length) > itemsPerTurn) {
      done = 0;
      await breath();
    }
  }
  return ordered;
}

/** As both databases compare keys: by the bytes. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
