import { afterAll, beforeAll, expect, test } from 'vitest';
import cases from './cases.json' with { type: 'json' };
import type { FaultKind } from './faults.ts';
import { Servers } from './servers.ts';
import { simulate, uncoveredFaults } from './simulate.ts';

/** As many as two quiet cores play in some ten seconds, or in some five minutes. */
const seeds = process.env['ROLLCALL_TEST_ALL'] === '1' ? 2_000 : 60;
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
  test(`seed ${seed}: ${was}`, { fails: rest.open === true }, async () => {
    const { story } = await simulate(seed, lanes[0] as Servers, faults === undefined ? {} : { faults });
    expect(story).toBe('');
  });
}

async function play(count: number, options: { readonly faults?: readonly FaultKind[] } = {}): Promise<string> {
  let next = 1;
  const failed: string[] = [];
  const flags = options.faults === undefined ? '' : ` --faults ${options.faults.join(',')}`;
  const lane = async (servers: Servers): Promise<void> => {
    while (next <= count) {
      const seed = next++;
      if (options.faults === undefined && openSeeds.has(seed)) continue;
      const { broken, story } = await simulate(seed, servers, options);
      if (broken.length > 0) failed.push(`SEED=${seed} npm run sim -- --seed ${seed} --runs 1${flags}\n${story}`);
    }
  };
  await Promise.all(lanes.map(lane));
  return failed.join('\n\n');
}

test(`the ledger tells the truth of ${seeds} seeds`, { timeout: 900_000 }, async () => {
  expect(await play(seeds)).toBe('');
});

test(
  `the invariants hold in 12 seeds of a Redis that forgets and of clocks that are set`,
  { timeout: 120_000 },
  async () => {
    expect(await play(12, { faults: uncoveredFaults })).toBe('');
  },
);
