import { afterAll, beforeAll, expect, test } from 'vitest';
import cases from './cases.json' with { type: 'json' };
import type { FaultKind } from './faults.ts';
import { Servers } from './servers.ts';
import { simulate } from './simulate.ts';

const seeds = process.env['ROLLCALL_TEST_ALL'] === '1' ? 20_000 : 2_000;
let servers: Servers;

beforeAll(async () => {
  servers = await Servers.start();
});

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
});

test.each(cases)('seed $seed: $was', async ({ seed, faults, ample }) => {
  const { story } = await simulate(seed, servers, { faults: faults as FaultKind[], isAmple: ample });
  expect(story).toBe('');
});

test(`the ledger tells the truth of ${seeds} seeds`, { timeout: 3_600_000 }, async () => {
  const failed: string[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { broken, story } = await simulate(seed, servers);
    if (broken.length > 0) failed.push(`SEED=${seed} npm run sim -- --seed ${seed} --runs 1\n${story}`);
  }
  expect(failed.join('\n\n')).toBe('');
});
