import { expect, test } from 'vitest';
import { RateLimit } from '../../../src/sources/radius/rate-limit.ts';
import { RadiusReceiver, type RadiusResult } from '../../../src/sources/radius/receiver.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import { client, report } from './radius-world.ts';

function fail(limit: RateLimit, address: string, times: number, now: number): void {
  for (let i = 0; i < times; i += 1) limit.noteFailure(address, now);
}

test('an address may fail a thousand times at once, and a thousand times a second', () => {
  const limit = new RateLimit();
  fail(limit, '192.0.2.1', 999, 0);
  expect(limit.isExhausted('192.0.2.1', 0)).toBe(false);
  fail(limit, '192.0.2.1', 1, 0);
  expect(limit.isExhausted('192.0.2.1', 0)).toBe(true);
  expect(limit.isExhausted('192.0.2.1', 2)).toBe(false);
  expect(limit.isExhausted('192.0.2.2', 0)).toBe(false);
});

test('a flood from made-up addresses fills no memory, and makes room again', () => {
  const limit = new RateLimit();
  for (let i = 0; i < 10_000; i += 1) limit.noteFailure(`10.0.${i >> 8}.${i & 255}`, 0);
  fail(limit, '192.0.2.1', 2000, 0);
  expect(limit.isExhausted('192.0.2.1', 0)).toBe(false);
  fail(limit, '192.0.2.1', 2000, 5000);
  expect(limit.isExhausted('192.0.2.1', 5000)).toBe(true);
});

test('a flood in the name of a proven access point does not shut it out, and one from elsewhere is turned away', () => {
  const counts = new Map<RadiusResult, number>();
  let sent = 0;
  const receiver = new RadiusReceiver(
    { id: 'aps', space: 'hq', listen: { host: '127.0.0.1', port: 0 }, clients: [client('192.0.2.0/24')] },
    {
      clock: { now: () => 1_795_510_800_000, monotonic: () => 1_000_000 },
      logger: createLogger({ level: 'silent' }),
      sink: { observe: (_, done) => done('recorded') },
      nas: { reset: (_, done) => done('recorded') },
      lateWindow: 86_400_000,
      count: (_, result) => counts.set(result, (counts.get(result) ?? 0) + 1),
    },
    () => {
      sent += 1;
    },
  );
  const wrong = report({ secret: Buffer.from('not the secret') });
  receiver.receive(report({ identifier: 1 }), '192.0.2.1', 1);
  for (let i = 0; i < 5000; i += 1) {
    receiver.receive(wrong, '192.0.2.1', 1);
    receiver.receive(wrong, '192.0.2.9', 1);
    receiver.receive(wrong, '198.51.100.1', 1);
  }
  receiver.receive(report({ identifier: 2 }), '192.0.2.1', 1);
  expect(sent).toBe(2);
  expect(Object.fromEntries(counts)).toEqual({
    accepted: 2,
    badAuthenticator: 6000,
    unknownClient: 1000,
    rateLimited: 8000,
  });
});
