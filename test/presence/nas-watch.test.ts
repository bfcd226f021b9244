import { expect, test } from 'vitest';
import { NasWatch } from '../../src/presence/nas-watch.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

const hourly = { sourceId: 'aps', spaceId: 'hq', reportingInterval: 3_600_000 } as const;

test('a NAS of which nothing was heard but its restart reports as rarely as is set', () => {
  const watch = new NasWatch(createTextNumbers(Buffer.alloc(8, 7)));
  watch.hearReset({ ...hourly, nasKey: 'hq/ap-1', kind: 'on', at: 0 });
  const [heard] = watch.takeHeard(0);
  expect(heard?.slice(1, 3)).toEqual([3_600_000, true]);
});
