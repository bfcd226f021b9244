import { afterAll, beforeAll, expect, test } from 'vitest';
import cases from './cases.json' with { type: 'json' };
import type { FaultKind } from './faults.ts';
import { Servers } from './servers.ts';
import { simulate } from './simulate.ts';

const seeds = process.env['ROLLCALL_TEST_ALL'] === '1' ? 20_000 : 500;
/** One keeps the processor at work while Redis answers the other. */
let lanes: readonly [Servers, Servers];

beforeAll(async () => {
  lanes = await Promise.all([Servers.start(), Servers.start()]);
});

afterAll(async () => {
  await Promise.all(lanes.map((one) => one[Symbol.asyncDispose]()));
});

test.each(cases)('seed $seed: $was', async ({ seed, faults, ample }) => {
  const { story } = await simulate(seed, lanes[0], { faults: faults as FaultKind[], isAmple: ample });
  expect(story).toBe('');
});

test(`the ledger tells the truth of ${seeds} seeds`, { timeout: 3_600_000 }, async () => {
  const failed: string[] = [];
  let next = 1;
  const lane = async (servers: Servers): Promise<void> => {
    while (next <= seeds) {
      const seed = next++;
      const { broken, story } = await simulate(seed, servers);
      if (broken.length > 0) failed.push(`SEED=${seed} npm run sim -- --seed ${seed} --runs 1\n${story}`);
    }
  };
  await Promise.all(lanes.map(lane));
  expect(failed.join('\n\n')).toBe('');
});
