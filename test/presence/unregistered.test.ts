import { createHmac } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { MacAddress } from '../../src/observation/mac-address.ts';
import type { Observation, RecordResult } from '../../src/observation/observation.ts';
import { UnregisteredStations } from '../../src/presence/unregistered.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { useRedis } from '../support/use-redis.ts';
import { until } from '../support/until.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

const station = '02-00-5E-00-53-07' as MacAddress;
const minute = 60_000;
const redis = useRedis();
let now: number;

beforeEach(async () => {
  await redis.client.flushall();
  const [seconds] = await redis.client.time();
  now = Number(seconds) * 1000;
});

function open(masterKey = 'master'): UnregisteredStations {
  const clock = { now: () => now, monotonic: () => now };
  const deriveKey = (purpose: string) => createHmac('sha256', masterKey).update(purpose).digest();
  return new UnregisteredStations(redis.client, clock, createLogger({ level: 'silent' }), {
    deriveKey,
    sessionNumber: createTextNumbers(deriveKey('sessions')),
  });
}

type Report = {
  readonly ago: number;
  readonly session?: string;
  readonly octets?: number;
  readonly left?: boolean;
  readonly hostname?: string;
};

async function note(stations: UnregisteredStations, { ago, session = 's1', octets, left = false, hostname }: Report) {
  const observation: Observation = {
    sourceId: 'aps',
    spaceId: 'hq',
    kind: left ? 'left' : 'associated',
    at: now - ago * minute,
    station,
    ssid: 'Members',
    ...(hostname !== undefined && { hostname }),
    session: { key: session, status: left ? 'stop' : 'interim', ...(octets !== undefined && { octets }) },
  };
  return await new Promise<RecordResult>((done) => stations.note(observation, station, done));
}

test('a stranger is listed with what was seen, and nothing in Redis holds the address', async () => {
  const stations = open();
  expect(await note(stations, { ago: 5 })).toBe('recorded');
  await note(stations, { ago: 1, octets: 9 });
  expect(await stations.list('hq', 10)).toMatchObject([
    { station, random: true, ssid: 'Members', firstSeenAt: now - 5 * minute, lastSeenAt: now - minute, left: false },
  ]);
  expect(await stations.list('annex', 10)).toEqual([]);
  const everything = JSON.stringify([
    await redis.client.hgetall('rollcall:{0}:unregistered'),
    await redis.client.zrange('rollcall:{0}:unregistered-seen', '0', '-1'),
  ]);
  for (const spelling of [station, '02005E005307', '00-53-07', '005307']) {
    expect(everything.toUpperCase()).not.toContain(spelling);
  }
});

test('of many stations those that were seen in a space are found at once', async () => {
  const stations = open();
  await note(stations, { ago: 1 });
  const others = ['02-00-5E-00-53-08', '02-00-5E-00-53-09'] as MacAddress[];
  expect(await stations.known('hq', [...others, station])).toEqual([station]);
  expect(await stations.known('annex', [station])).toEqual([]);
  expect(await stations.known('hq', [])).toEqual([]);
});

test('the name that a stranger last told stays known, sealed as the address is', async () => {
  const stations = open();
  await note(stations, { ago: 9 });
  expect(await stations.find('hq', station)).toMatchObject({ hostname: null });
  await note(stations, { ago: 5, hostname: 'Mias-iPhone\u0000' });
  await note(stations, { ago: 1 });
  // Another node has heard no name.
  await note(open(), { ago: 0 });
  expect(await stations.find('hq', station)).toMatchObject({ hostname: 'Mias-iPhone', lastSeenAt: now });
  expect(JSON.stringify(await redis.client.hgetall('rollcall:{0}:unregistered'))).not.toContain('Mias');
  expect(await open('another master').find('hq', station)).toBeUndefined();
  now += 2 * 24 * 60 * minute;
  await note(open(), { ago: 0 });
  expect(await stations.find('hq', station)).toMatchObject({ hostname: null });
});

test('reports without progress are not activity, and the Stop of the session says that it left', async () => {
  const stations = open();
  await note(stations, { ago: 9, octets: 0 });
  await note(stations, { ago: 5, octets: 0 });
  expect(await stations.find('hq', station)).toMatchObject({ lastSeenAt: now - 9 * minute });
  await note(stations, { ago: 4, octets: 7, left: true });
  expect(await stations.find('hq', station)).toMatchObject({ lastSeenAt: now - 4 * minute, left: true });
});

test('neither a late report of the old session nor its Stop says where a station is after roaming', async () => {
  const stations = open();
  await note(stations, { ago: 9 });
  await note(stations, { ago: 3, session: 's2' });
  await note(stations, { ago: 2, left: true });
  await note(stations, { ago: 8 });
  expect(await stations.find('hq', station)).toMatchObject({ left: false, lastSeenAt: now - 2 * minute });
});

test('who is known through an identity is a stranger no more', async () => {
  const stations = open();
  await note(stations, { ago: 1 });
  stations.noteKnown('hq', station);
  await until('the station is forgotten', async () => (await stations.list('hq', 10)).length === 0);
  expect(await stations.find('hq', station)).toBeUndefined();
});

test('what was seen a day ago is forgotten, and what another key has sealed cannot be read', async () => {
  const stations = open();
  await note(stations, { ago: 1 });
  expect(await open('another master').list('hq', 10)).toEqual([]);
  now += 25 * 60 * minute;
  expect(await stations.list('hq', 10)).toEqual([]);
});
