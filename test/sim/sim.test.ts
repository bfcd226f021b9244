import { afterAll, beforeAll, expect, test } from 'vitest';
import cases from './cases.json' with { type: 'json' };
import type { FaultKind } from './faults.ts';
import { Servers } from './servers.ts';
import { simulate } from './simulate.ts';

/** As many as two quiet cores play in a minute, or in half an hour. */
const seeds = process.env['ROLLCALL_TEST_ALL'] === '1' ? 20_000 : 2_000;
let lanes: readonly Servers[];

beforeAll(async () => {
  lanes = await Promise.all([Servers.start(), Servers.start()]);
});

afterAll(async () => {
  await Promise.all(lanes.map((one) => one[Symbol.asyncDispose]()));
});

test.each(cases)('seed $seed: $was', async ({ seed, faults, ample }) => {
  const options = { faults: faults as FaultKind[], isAmple: ample };
  const { story } = await simulate(seed, lanes[0] as Servers, options);
  expect(story).toBe('');
});

test(`the ledger tells the truth of ${seeds} seeds`, { timeout: 3_600_000 }, async () => {
  let next = 1;
  const failed: string[] = [];
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
