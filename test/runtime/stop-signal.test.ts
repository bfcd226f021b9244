import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const stopSignal = new URL('../../src/runtime/stop-signal.ts', import.meta.url).href;

/** A process that says when it was asked to end, and then keeps running. */
const stubborn = `
  import { onStopSignals } from ${JSON.stringify(stopSignal)};
  const stop = onStopSignals();
  stop.addEventListener('abort', () => console.log('asked'));
  setInterval(() => undefined, 1000);
  console.log('running');
`;

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the first %s asks, and the second ends the process at once',
  async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', stubborn], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(String(await once(child.stdout, 'data'))).toBe('running\n');
    child.kill(signal);
    expect(String(await once(child.stdout, 'data'))).toBe('asked\n');
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([1, null]);
  },
);
