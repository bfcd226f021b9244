import { afterAll, beforeAll, expect, test } from 'vitest';
import cases from './cases.json' with { type: 'json' };
import type { FaultKind } from './faults.ts';
import { Servers } from './servers.ts';
import { simulate } from './simulate.ts';

/** As many as two quiet cores play in some forty seconds. */
const seeds = 300;
const openSeeds = new Set(cases.flatMap((one) => ('open' in one ? [one.seed] : [])));
let lanes: readonly Servers[];

beforeAll(async () => {
  lanes = await Promise.all([Servers.start(), Servers.start()]);
});

afterAll(async () => {
  await Promise.all(lanes.map((one) => one[Symbol.asyncDispose]()));
});

for (const { seed, faults, was, ...rest } of cases as {
  seed: number;
  faults?: FaultKind[];
  was: string;
  open?: true;
}[]) {
  const play = rest.open === true ? test.fails : test;
  play(`seed ${seed}: ${was}`, async () => {
    const { broken, story } = await simulate(seed, lanes[0] as Servers, faults === undefined ? {} : { faults });
    expect(broken, story).toEqual([]);
  });
}

test(`the ledger tells the truth of ${seeds} seeds`, { timeout: 240_000 }, async () => {
  let next = 1;
  const failed: string[] = [];
  const lane = async (servers: Servers): Promise<void> => {
    while (next <= seeds) {
      const seed = next++;
      if (openSeeds.has(seed)) continue;
      const { broken, story } = await simulate(seed, servers);
      if (broken.length > 0) failed.push(`SEED=${seed} npm run sim -- --seed ${seed} --runs 1\n${story}`);
    }
  };
  await Promise.all(lanes.map(lane));
  expect(failed.join('\n\n')).toBe('');
});
