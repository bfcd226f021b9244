import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import { parseTransition, type StreamEntry } from '../../src/checkins/transitions.ts';
import { shardKeys } from '../../src/presence/keys.ts';
import { expireScript, observeScript } from '../../src/presence/scripts.ts';
import { createSessionNumbers, packSighting } from '../../src/presence/sighting.ts';
import { readPresence } from '../../src/presence/state.ts';
import type { Observation } from '../../src/observation/observation.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const keys = shardKeys(0);
const scriptKeys = [keys.presence, keys.due, keys.transitions];
const packr = new Packr({ useRecords: false });
const minute = 60_000;
/** Scripts take the time of day from Redis, so stories are told as ages: minutes before now. */
let now: number;
let server: RedisServer;
let redis: Redis;
let batch = 0;

beforeAll(async () => {
  server = await startRedis({ appendfsync: 'everysec' });
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await redis.flushall();
  const [seconds, micros] = await redis.time();
  now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
});

type Report = {
  readonly ago: number;
  readonly device?: string;
  readonly session?: string;
  readonly status?: 'start' | 'interim' | 'stop';
  readonly octets?: number;
  readonly lastedMin?: number;
  readonly kind?: Observation['kind'];
};
const packing = { lateWindow: 1_440 * minute, sessionNumber: createSessionNumbers(Buffer.alloc(8, 7)) };
const timing = { idleTimeout: 15 * minute, settle: 0 };

async function observe(reports: readonly Report[], rules = timing): Promise<unknown> {
  const sightings = reports.map((report) => {
    const { ago, device = 'phone', session = 's1', status = 'interim', octets, lastedMin, kind } = report;
    const observation: Observation = {
      sourceId: 'aps',
      spaceId: 'hq',
      kind: kind ?? (status === 'stop' ? 'left' : 'associated'),
      at: now - ago * minute,
      ...(kind === undefined && {
        session: {
          key: session,
          status,
          ...(octets !== undefined && { octets }),
          ...(lastedMin !== undefined && { durationMs: lastedMin * minute }),
        },
      }),
    };
    return packSighting('hq|mia', device, observation, rules, packing);
  });
  batch += 1;
  return await observeScript.run(redis, scriptKeys, [packr.pack(sightings), `visit${batch}-`, 1_000_000]);
}

async function expire(rules = timing): Promise<unknown> {
  const spaces = packr.pack({ hq: [rules.idleTimeout, rules.settle] });
  return await expireScript.run(redis, scriptKeys, [500, spaces, 1_000_000]);
}

/** What the stream holds, as `type from-last` in minutes ago. */
async function story(): Promise<string[]> {
  const entries = (await redis.xrange(keys.transitions, '-', '+')) as unknown as StreamEntry[];
  return entries.map((entry) => {
    const transition = parseTransition(entry);
    if (transition === undefined) throw new Error(`not a transition: ${JSON.stringify(entry)}`);
    const ago = (at: number): number => (now - at) / minute;
    return `${transition.type} ${ago(transition.arrivedAt)}-${ago(transition.lastActivityAt)}`;
  });
}

const state = async () => (await readPresence(redis, 1, 'hq', ['mia']))[0];

describe('arriving and staying', () => {
  test('a Start is an arrival, and interims with growing octets move the last activity', async () => {
    await observe([{ ago: 10, status: 'start' }]);
    await observe([
      { ago: 5, octets: 100 },
      { ago: 1, octets: 200 },
    ]);
    expect(await story()).toEqual(['arrived 10-10']);
    expect((await state())?.lastActivityAt).toBe(now - minute);
  });

  test('an interim without progress is not activity', async () => {
    await observe([
      { ago: 10, status: 'start' },
      { ago: 5, octets: 100 },
      { ago: 1, octets: 100 },
    ]);
    expect((await state())?.lastActivityAt).toBe(now - 5 * minute);
  });

  test('the first interim of a session without traffic is not activity either', async () => {
    await observe([
      { ago: 10, status: 'start' },
      { ago: 5, octets: 0 },
    ]);
    expect((await state())?.lastActivityAt).toBe(now - 10 * minute);
  });

  test('without counters, each report is activity', async () => {
    await observe([{ ago: 10, status: 'start' }, { ago: 5 }, { ago: 2, status: 'stop' }]);
    expect((await state())?.lastActivityAt).toBe(now - 2 * minute);
  });

  test('an interim of a session never seen dates the arrival back by its session time', async () => {
    await observe([{ ago: 1, octets: 500, lastedMin: 20 }]);
    expect(await story()).toEqual(['arrived 21-1']);
  });

  test('a batch that repeats itself changes nothing', async () => {
    const reports = [
      { ago: 10, status: 'start' as const },
      { ago: 5, octets: 100 },
      { ago: 4, octets: 150, status: 'stop' as const },
    ];
    await observe(reports);
    const before = await state();
    await observe(reports);
    expect(await state()).toEqual(before);
    expect(await story()).toEqual(['arrived 10-10']);
  });
});

describe('leaving', () => {
  test('who is idle for longer than the timeout departs, at the last activity', async () => {
    await observe([
      { ago: 20, status: 'start' },
      { ago: 16, octets: 9 },
    ]);
    await expire();
    expect(await story()).toEqual(['arrived 20-20', 'departed 20-16']);
  });

  test('who was active within the timeout stays, and is looked at again when it ends', async () => {
    await observe([
      { ago: 20, status: 'start' },
      { ago: 6, octets: 9 },
    ]);
    await redis.zadd(keys.due, now - 1, 'hq|mia');
    await expire();
    expect(await story()).toEqual(['arrived 20-20']);
    expect(await redis.zscore(keys.due, 'hq|mia')).toBe(String(now + 9 * minute + 1));
  });

  test('a Stop closes its session and not the visit', async () => {
    await observe([
      { ago: 5, status: 'start' },
      { ago: 4, status: 'stop', octets: 7 },
    ]);
    await expire();
    expect(await story()).toEqual(['arrived 5-5']);
    expect((await state())?.phase).toBe('present');
  });

  test('interims without progress after the departure bring nobody back', async () => {
    await observe([
      { ago: 40, status: 'start' },
      { ago: 30, octets: 9 },
    ]);
    await expire();
    await observe([
      { ago: 5, octets: 9 },
      { ago: 1, octets: 9 },
    ]);
    expect(await story()).toEqual(['arrived 40-40', 'departed 40-30']);
  });

  test('a late Start of a closed session does not reopen the visit', async () => {
    await observe([{ ago: 40, status: 'stop', octets: 9, lastedMin: 20 }]);
    await expire();
    await observe([{ ago: 60, status: 'start' }]);
    expect(await story()).toEqual(['arrived 60-40', 'departed 60-40']);
  });

  test('activity after a silence longer than the timeout is a new visit, even before a timer has looked', async () => {
    await observe([{ ago: 40, status: 'start' }]);
    await observe([{ ago: 3, octets: 9 }]);
    expect(await story()).toEqual(['arrived 40-40', 'departed 40-40', 'arrived 3-3']);
  });
});

describe('roaming', () => {
  test('a new session on another access point is the same visit, in any order of Stop and Start', async () => {
    await observe([
      { ago: 10, status: 'start', session: 'a' },
      { ago: 5, status: 'start', session: 'b' },
      { ago: 6, status: 'stop', session: 'a', octets: 10 },
      { ago: 4, session: 'b', octets: 10 },
    ]);
    expect(await story()).toEqual(['arrived 10-10']);
    expect((await state())?.lastActivityAt).toBe(now - 4 * minute);
  });

  test('however many access points and devices, the latest activity and the open counters are kept', async () => {
    await observe([
      { ago: 14, status: 'start', session: 'home' },
      { ago: 13, octets: 5, session: 'home' },
    ]);
    for (let i = 0; i < 20; i += 1) {
      await observe([
        { ago: 12, status: 'start', session: `s${i}` },
        { ago: 11, status: 'stop', session: `s${i}`, octets: 3 },
      ]);
    }
    await observe([{ ago: 2, session: 'home', octets: 5 }]);
    expect((await state())?.lastActivityAt).toBe(now - 11 * minute);
    expect((await state())?.links.length).toBeLessThanOrEqual(8);
  });
});

describe('settling', () => {
  const settling = { idleTimeout: 15 * minute, settle: 2 * minute };

  test('a walk-by that stops within the settle time is never an arrival', async () => {
    await observe(
      [
        { ago: 30, status: 'start' },
        { ago: 29, status: 'stop', octets: 5 },
      ],
      settling,
    );
    await observe(
      [
        { ago: 20, status: 'start', session: 's2' },
        { ago: 19, status: 'stop', octets: 5, session: 's2' },
      ],
      settling,
    );
    await expire(settling);
    expect(await story()).toEqual([]);
  });

  test('who is still associated when the settle time has passed has arrived when they were first seen', async () => {
    await observe([{ ago: 1, status: 'start' }], settling);
    expect(await story()).toEqual([]);
    const rules = { idleTimeout: 15 * minute, settle: minute };
    await redis.zadd(keys.due, now - 1, 'hq|mia');
    await expire(rules);
    expect(await story()).toEqual(['arrived 1-1']);
  });

  test('who is seen again after the settle time has arrived', async () => {
    await observe(
      [
        { ago: 5, kind: 'active' },
        { ago: 4, kind: 'active' },
        { ago: 3, kind: 'active' },
      ],
      settling,
    );
    expect(await story()).toEqual(['arrived 5-3']);
  });
});

describe('evidence out of order', () => {
  test('an earlier Start dates the visit back', async () => {
    await observe([{ ago: 5, octets: 9 }]);
    await observe([{ ago: 8, status: 'start' }]);
    expect(await story()).toEqual(['arrived 5-5', 'backdated 8-5']);
  });

  test('a late interim that shows that the traffic was over earlier moves the last activity back', async () => {
    await observe([
      { ago: 12, status: 'start' },
      { ago: 2, octets: 9 },
    ]);
    await observe([{ ago: 7, octets: 9 }]);
    expect((await state())?.lastActivityAt).toBe(now - 7 * minute);
  });

  test('reports of one second count once, whichever comes first', async () => {
    await observe([{ ago: 5, octets: 9 }]);
    await observe([{ ago: 5, status: 'start' }]);
    await observe([{ ago: 1, octets: 9 }]);
    expect((await state())?.lastActivityAt).toBe(now - 5 * minute);
  });
});

test('nothing is taken while the ledger is too far behind', async () => {
  await observe([{ ago: 5, status: 'start' }]);
  const before = await state();
  const later = packSighting(
    'hq|mia',
    'phone',
    { sourceId: 'aps', spaceId: 'hq', kind: 'active', at: now },
    timing,
    packing,
  );
  expect(await observeScript.run(redis, scriptKeys, [packr.pack([later]), 'x', 1])).toBe('full');
  expect(await state()).toEqual(before);
});

test('a customer who has been away for a day is forgotten', async () => {
  await observe([{ ago: 24 * 60 + 30, status: 'start' }]);
  await expire();
  await redis.zadd(keys.due, now - 1, 'hq|mia');
  await expire();
  expect(await redis.hlen(keys.presence)).toBe(0);
  expect(await redis.zcard(keys.due)).toBe(0);
});

test('a damaged record holds up nobody, and presence of that customer begins anew', async () => {
  await redis.hset(keys.presence, 'hq|noah', 'not a record');
  await redis.zadd(keys.due, 1, 'hq|noah');
  await redis.hset(keys.presence, 'hq|mia', 'not one either');
  await observe([{ ago: 20, status: 'start' }]);
  await expire();
  expect(await story()).toEqual(['arrived 20-20', 'departed 20-20']);
});

test('nothing is decided about a space that this node does not know', async () => {
  await observe([{ ago: 20, status: 'start' }]);
  await expireScript.run(redis, scriptKeys, [500, packr.pack({ annex: [timing.idleTimeout, 0] }), 1_000_000]);
  expect(await story()).toEqual(['arrived 20-20']);
  await redis.zadd(keys.due, now - 1, 'hq|mia');
  await expire();
  expect(await story()).toEqual(['arrived 20-20', 'departed 20-20']);
});

test('a Stop in the second of the last interim closes its session', async () => {
  await observe([
    { ago: 1, status: 'start' },
    { ago: 0, octets: 9 },
    { ago: 0, octets: 9, status: 'stop' },
  ]);
  expect((await state())?.links.map((link) => link.associated)).toEqual([false]);
});

test('what claims to happen later than now happens now', async () => {
  await observe([{ ago: -30, status: 'start' }]);
  expect((await state())?.lastActivityAt).toBeLessThan(now + minute);
});
