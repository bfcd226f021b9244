/**
 * `npm run bench`: measures what performance.md's goals are about, on this machine, now. Exits with 1 when a run was not
 * right; a missed goal is a figure and not a failure.
 *
 *   node test/bench/main.ts [--json] [--devices 100000] [--seconds 5]
 */
import { parseArgs } from 'node:util';
import { measureAccounting } from './accounting.ts';
import { describeMachine } from './machine.ts';
import { measurePresence } from './presence.ts';
import { measureRegistry } from './registry.ts';
import { endProgress, showProgress } from './progress.ts';
import { measurePush } from './push.ts';
import { formatTable } from './table.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    devices: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '5' },
  },
});

const date = new Date().toISOString().slice(0, 10);
const machine = describeMachine();
const devices = Number(values.devices);
const { figures, results } = await measureAccounting({
  devices,
  seconds: Number(values.seconds),
  progress: showProgress,
});
const presence = await measurePresence({ tracked: 10 * devices, visits: devices, progress: showProgress });
const push = await measurePush({
  devices: Math.min(devices, 20_000),
  seconds: Number(values.seconds),
  progress: showProgress,
});
const registry = await measureRegistry({ devices: 10 * devices, progress: showProgress });
endProgress();
if (values.json) {
  process.stdout.write(`${JSON.stringify({ date, machine, devices, ...results, presence, push, registry })}\n`);
} else {
  const table = formatTable([...figures, ...presence, ...push, ...registry]);
  process.stdout.write(`${table}\n\n${date}, ${machine}; ${devices} devices\n`);
}
