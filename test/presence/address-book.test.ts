import { createHmac } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { parseIpAddress, type IpAddress } from '../../src/observation/ip-address.ts';
import type { Observation } from '../../src/observation/observation.ts';
import { AddressBook } from '../../src/presence/address-book.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { mac } from '../support/registry.ts';
import { useRedis } from '../support/use-redis.ts';

const mia = mac('02-00-5E-00-53-01');
const noor = mac('02-00-5E-00-53-02');
const hour = 3_600_000;
const redis = useRedis();
let now: number;
/** As two nodes of one installation have it. */
let book: AddressBook;
let other: AddressBook;

beforeEach(async () => {
  await redis.client.flushall();
  now = Number((await redis.client.time())[0]) * 1000;
  book = open();
  other = open();
});

function open(masterKey = 'master'): AddressBook {
  const deriveKey = (purpose: string) => createHmac('sha256', masterKey).update(purpose).digest();
  const clock = { now: () => now, monotonic: () => now };
  return new AddressBook({ redis: redis.client, clock, logger: createLogger({ level: 'silent' }), deriveKey });
}

type Report = Partial<Pick<Observation, 'kind' | 'at' | 'ipAddress' | 'station'>> & { readonly session?: string };

async function note(on: AddressBook, report: Report): Promise<void> {
  const { session = 's1', kind = 'associated', ...more } = report;
  const status = kind === 'left' ? 'stop' : 'interim';
  const where = { sourceId: 'aps', spaceId: 'hq' };
  on.note({ ...where, kind, at: now, station: mia, session: { key: session, status }, ...more });
  await on.settled();
}

const find = async (address: string, on = other) => await on.find(parseIpAddress(address) as IpAddress);

test('what one node hears, every node knows, and a network address may be spelt in any way', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  await note(book, { ipAddress: '2001:db8:0::21', session: 's2', station: noor });
  expect(await find('192.0.2.21')).toEqual([mia]);
  expect(await find('::ffff:192.0.2.21')).toEqual([mia]);
  expect(await find('2001:db8::21')).toEqual([noor]);
  expect(await find('192.0.2.22')).toEqual([]);
});

test('nothing in Redis holds an address, and another master key opens nothing', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  const keys = await redis.client.keys('*');
  const values = await Promise.all(keys.map(async (key) => await redis.client.hgetall(key)));
  expect(keys).toHaveLength(2);
  expect(JSON.stringify([keys, values]).toUpperCase()).not.toMatch(/192.0.2|02.?00.?5E.?00.?53/);
  expect(await find('192.0.2.21', open('another'))).toEqual([]);
});

test('all of it is gone after a day', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  for (const key of await redis.client.keys('*')) expect(await redis.client.pttl(key)).toBeLessThanOrEqual(24 * hour);
  now += 25 * hour;
  expect(await find('192.0.2.21')).toEqual([]);
});

test('a report that says nothing new costs no write, and what holds is written again in time', async () => {
  const writes = async () => Number(/calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
  const evals = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
  await note(book, { ipAddress: '192.0.2.21' });
  expect(await writes()).toBeGreaterThan(0);
  const before = await evals();
  for (let times = 0; times < 50; times += 1) await note(book, { ipAddress: '192.0.2.21' });
  expect(await evals()).toBe(before);
  now += 3 * hour;
  await note(book, { ipAddress: '192.0.2.21' });
  expect(await evals()).toBe(before + 1);
});

test('the Stop of a session ends what it had, whichever node hears it and whatever comes late', async () => {
  await note(book, { ipAddress: '192.0.2.21', at: now - 5_000 });
  await note(other, { ipAddress: '192.0.2.21', kind: 'left', at: now - 1_000 });
  expect(await find('192.0.2.21')).toEqual([]);
  await note(book, { ipAddress: '192.0.2.21', at: now - 3_000 });
  await note(other, { ipAddress: '192.0.2.21', at: now - 2_000 });
  expect(await find('192.0.2.21')).toEqual([]);
  await note(other, { ipAddress: '192.0.2.21', at: now });
  expect(await find('192.0.2.21')).toEqual([mia]);
});

test('after roaming, the Stop of the old session leaves what the new one says', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  await note(book, { ipAddress: '192.0.2.21', session: 's2' });
  await note(book, { kind: 'left' });
  expect(await find('192.0.2.21')).toEqual([mia]);
  await note(book, { kind: 'left', session: 's2' });
  expect(await find('192.0.2.21')).toEqual([]);
});

test('a session that gets another address has the first one no more', async () => {
  await note(book, { ipAddress: '192.0.2.21', at: now - 2_000 });
  await note(other, { ipAddress: '192.0.2.22', at: now - 1_000 });
  expect([await find('192.0.2.21'), await find('192.0.2.22')]).toEqual([[], [mia]]);
});

test('two stations that have one address are both named, until the session of one has ended', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  await note(other, { ipAddress: '192.0.2.21', session: 's2', station: noor });
  expect(new Set(await find('192.0.2.21'))).toEqual(new Set([mia, noor]));
  await note(other, { kind: 'left', at: now + 1 });
  expect(await find('192.0.2.21')).toEqual([noor]);
});

test('a lease holds to its end, and a released one no longer', async () => {
  const lease = { sourceId: 'leases', station: mia, ipAddress: '192.0.2.21', at: now };
  book.hold({ ...lease, until: now + 60_000 });
  await book.settled();
  expect(await find('192.0.2.21')).toEqual([mia]);
  now += 61_000;
  expect(await find('192.0.2.21')).toEqual([]);
  book.hold({ ...lease, at: now, until: now + 3 * hour });
  await book.settled();
  expect(await find('192.0.2.21')).toEqual([mia]);
  book.release({ ...lease, at: now });
  await book.settled();
  expect(await find('192.0.2.21')).toEqual([]);
});

test('a phone that roams all day stays in its place, and a crowd on one address stays bounded', async () => {
  for (let times = 0; times < 40; times += 1) {
    await note(book, { ipAddress: '192.0.2.21', session: `s${times}` });
    if (times < 39) await note(book, { kind: 'left', session: `s${times}` });
  }
  expect(await find('192.0.2.21')).toEqual([mia]);
  for (let times = 0; times < 40; times += 1) {
    const station = mac(`02-00-5E-00-54-${String(10 + times)}`);
    await note(book, { ipAddress: '192.0.2.30', session: `c${times}`, station });
  }
  expect((await find('192.0.2.30')).length).toBe(16);
  for (const key of await redis.client.keys('*')) expect(await redis.client.hlen(key)).toBeLessThanOrEqual(16);
});

test('a station is forgotten at every address that it holds, and others stay', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  await note(book, { ipAddress: '192.0.2.22', session: 's2' });
  await note(other, { ipAddress: '192.0.2.22', session: 's3', station: noor });
  await book.forgetStation(mia);
  expect([await find('192.0.2.21'), await find('192.0.2.22')]).toEqual([[], [noor]]);
  expect(await redis.client.keys('*')).toHaveLength(2);
  await note(book, { ipAddress: '192.0.2.21' });
  expect(await find('192.0.2.21')).toEqual([mia]);
});

test('what Redis has lost is written again once that is known', async () => {
  await note(book, { ipAddress: '192.0.2.21' });
  await redis.client.flushall();
  book.forgetWritten();
  await note(book, { ipAddress: '192.0.2.21' });
  expect(await find('192.0.2.21')).toEqual([mia]);
});

test('addresses that name no station are not noted', async () => {
  for (const ipAddress of ['127.0.0.1', '0.0.0.0', 'fe80::1', 'nonsense']) await note(book, { ipAddress });
  expect(await redis.client.keys('*')).toEqual([]);
});
