import { parseArgs } from 'node:util';
import { faultKinds, type FaultKind } from './faults.ts';
import { seekMutations } from './mutations.ts';
import { Servers } from './servers.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: process.env['SEED'] ?? '1' },
    runs: { type: 'string', default: '1000' },
    faults: { type: 'string' },
    ample: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
  },
});

/** One keeps the processor at work while Redis answers the other. */
const lanes = 2;

function whole(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} takes a whole number, not "${text}"`);
  return process.exit(2);
}

function toFaults(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return faultKinds;
  const names = text.split(',').filter((name) => name !== '' && name !== 'none');
  const unknown = names.find((name) => !faultKinds.includes(name as FaultKind));
  if (unknown !== undefined) {
    console.error(`--faults: there is no "${unknown}"; there are none, ${faultKinds.join(', ')}`);
    process.exit(2);
  }
  return names as FaultKind[];
}

const firstSeed = whole(values.seed, 'seed');
const runs = whole(values.runs, 'runs');
const faults = toFaults(values.faults);
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

await using servers = new AsyncDisposableStack();
if (values.mutations) {
  process.exitCode = (await seekMutations(servers.use(await Servers.start()), stop.signal)) ? 0 : 1;
} else {
  const began = performance.now();
  let next = firstSeed;
  let done = 0;
  let failed = 0;
  const lane = async (): Promise<void> => {
    const own = servers.use(await Servers.start());
    while (next < firstSeed + runs && !stop.signal.aborted) {
      const { seed, broken, story } = await simulate(next++, own, { faults, isAmple: values.ample });
      done += 1;
      if (process.stdout.isTTY) process.stdout.write(`\r${done} of ${runs} seeds, ${failed} failed `);
      else if (done % 1_000 === 0) console.log(`${done} of ${runs} seeds, ${failed} failed`);
      if (broken.length === 0) continue;
      failed += 1;
      const options = `${values.faults === undefined ? '' : ` --faults ${values.faults}`}${values.ample ? ' --ample' : ''}`;
      console.log(`\nSEED=${seed} npm run sim -- --seed ${seed} --runs 1${options}\n${story}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, runs) }, lane));
  const each = ((performance.now() - began) / Math.max(1, done)).toFixed(0);
  console.log(
    `${process.stdout.isTTY ? '\r' : ''}${done} seeds from ${firstSeed} on, ${failed} failed, ${each} ms each`,
  );
  if (failed > 0 || stop.signal.aborted) process.exitCode = 1;
}
