import { expect, test } from 'vitest';
import type { ObservationDone } from '../../../src/observation/observation.ts';
import { parseMacAddress } from '../../../src/observation/mac-address.ts';
import { PushSource } from '../../../src/sources/push/source.ts';

const mac = parseMacAddress('00-00-5E-00-53-01');
const item = { kind: 'active', mac } as const;
const morning = Date.UTC(2026, 10, 24, 9);
const secret = { reveal: () => `whsec_${Buffer.alloc(32, 1).toString('base64')}` };
const signature = { id: 'msg_1', timestamp: '1', sentAt: 1_000, signatures: ['v1,AAAA'] };

/** A source whose surroundings a test can see and steer; what it observed waits in `pending`. */
function open(isSigned = false) {
  const pending: ObservationDone[] = [];
  const world = { now: morning, pending };
  const sink = { observe: (_: unknown, done: ObservationDone) => void pending.push(done) };
  const clock = { now: () => world.now, monotonic: () => world.now };
  const config = { id: 'portal', space: 'hq', ...(isSigned && { secret }) };
  return { world, source: new PushSource(config, { clock, sink, lateWindow: 86_400_000 }) };
}

test('it is starting until it is started, up from then on, and down once it is closed', async () => {
  const { world, source } = open();
  expect(source.status()).toEqual({ state: 'starting', since: morning, observations: 0 });
  world.now += 5;
  await source.start();
  expect(source.status()).toEqual({ state: 'up', since: morning + 5, observations: 0 });
  await source[Symbol.asyncDispose]();
  expect(source.status()).toMatchObject({ state: 'down' });
});

test('closing waits for what is being recorded, and turns away what comes after', async () => {
  const { world, source } = open();
  await source.start();
  const first = source.observe([item, item]);
  let isClosed = false;
  const closed = source[Symbol.asyncDispose]().then(() => (isClosed = true));
  expect(await source.observe([item])).toEqual({ recorded: 0, ignored: {}, notRecorded: 1 });
  await new Promise(setImmediate);
  expect([isClosed, world.pending.length]).toEqual([false, 2]);
  for (const done of world.pending) done('recorded');
  expect(await first).toEqual({ recorded: 2, ignored: {}, notRecorded: 0 });
  await closed;
});

test('what was recorded is counted, and a failure to record is its problem until it succeeds again', async () => {
  const { world, source } = open();
  await source.start();
  const push = async (...results: ('recorded' | 'ignored' | 'notRecorded')[]) => {
    const outcome = source.observe(results.map(() => item));
    results.forEach((result, index) => world.pending[index]?.(result));
    world.pending.length = 0;
    return await outcome;
  };
  expect(await push('recorded', 'ignored', 'notRecorded')).toEqual({
    recorded: 1,
    ignored: { other: 1 },
    notRecorded: 1,
  });
  expect(source.status()).toMatchObject({
    observations: 1,
    lastObservationAt: morning,
    problem: expect.stringContaining('503'),
  });
  await push('ignored');
  expect(source.status()).toMatchObject({ problem: expect.stringContaining('503') });
  await push('recorded');
  expect(source.status()).not.toHaveProperty('problem');
});

test('two wrong signatures are a slip; more of them, within minutes, are its problem', () => {
  const { world, source } = open(true);
  const forge = (address: string) => expect(source.isGenuine(signature, Buffer.from('{}'), address)).toBe(false);
  forge('192.0.2.7');
  forge('192.0.2.7');
  expect(source.status()).not.toHaveProperty('problem');
  forge('192.0.2.8');
  expect(source.status().problem).toContain('192.0.2.8');
  world.now += 10 * 60_000 + 1;
  expect(source.status()).not.toHaveProperty('problem');
  forge('192.0.2.7');
  expect(source.status()).not.toHaveProperty('problem');
});

test('no signature is genuine where there is no secret', () => {
  expect(open().source.isSigned).toBe(false);
  expect(open().source.isGenuine(signature, Buffer.from('{}'), '192.0.2.7')).toBe(false);
});
