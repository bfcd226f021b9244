import { beforeEach, describe, expect, test } from 'vitest';
import { RuleBook } from '../../src/presence/rules.ts';
import { lateWindow, minute, PresenceWorld, rulesOf, type Report } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

/** Stories are told as ages: minutes before the moment at which they are told. */
const present = 3_000;
const redis = useRedis();
let world: PresenceWorld;

beforeEach(() => begin());

async function begin(rules = rulesOf(), maxBacklog?: number): Promise<void> {
  world = await new PresenceWorld(redis.client, [rules], maxBacklog).start();
  await world.go(present);
}

type Aged = Omit<Report, 'at'> & { readonly ago: number };
const observe = async (reports: readonly Aged[]) =>
  await world.observe(...reports.map(({ ago, ...report }) => ({ ...report, at: present - ago })));
const expire = () => world.expire();
/** `state from-last` in minutes ago. */
const ages = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line.replace(/(\d+)-(\d+)/u, (_, from, last) => `${present - Number(from)}-${present - Number(last)}`),
  );
const story = async () => ages(await world.story());
const visits = async () => ages(await world.visits());
const state = () => world.state();
const lastActive = async () => ((await state())?.visits.at(-1)?.lastActivityAt ?? 0) - world.now;

describe('arriving and staying', () => {
  test('a Start is an arrival, and interims with growing octets move the last activity', async () => {
    await observe([{ ago: 10, status: 'start' }]);
    await observe([
      { ago: 5, octets: 100 },
      { ago: 1, octets: 200 },
    ]);
    expect(await story()).toEqual(['open 10-10']);
    expect(await lastActive()).toBe(-minute);
  });

  test('an interim without progress is not activity', async () => {
    await observe([
      { ago: 10, status: 'start' },
      { ago: 5, octets: 100 },
      { ago: 1, octets: 100 },
    ]);
    expect(await lastActive()).toBe(-5 * minute);
  });

  test('the first interim of a session without traffic is not activity either', async () => {
    await observe([
      { ago: 10, status: 'start' },
      { ago: 5, octets: 0 },
    ]);
    expect(await lastActive()).toBe(-10 * minute);
  });

  test('without counters, each report is activity', async () => {
    await observe([{ ago: 10, status: 'start' }, { ago: 5 }, { ago: 2, status: 'stop' }]);
    expect(await lastActive()).toBe(-2 * minute);
  });

  test('an interim of a session never seen dates the arrival back by its session time', async () => {
    await observe([{ ago: 1, octets: 500, lastedMin: 20 }]);
    expect(await story()).toEqual(['open 21-1']);
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
    expect(await story()).toEqual(['open 10-10']);
  });
});

describe('leaving', () => {
  test('who is idle for longer than the timeout departs, at the last activity', async () => {
    await observe([
      { ago: 20, status: 'start' },
      { ago: 16, octets: 9 },
    ]);
    await expire();
    expect(await story()).toEqual(['open 20-20', 'closed 20-16']);
  });

  test('who was active within the timeout stays, and is looked at again when it ends', async () => {
    await observe([
      { ago: 20, status: 'start' },
      { ago: 6, octets: 9 },
    ]);
    await redis.client.zadd(world.store.keys.due, world.now - 1, 'hq|mia');
    await expire();
    // The ledger is told of the activity now and then.
    expect(await story()).toEqual(['open 20-20', 'open 20-6']);
    expect(await redis.client.zscore(world.store.keys.due, 'hq|mia')).toBe(String(world.now + 9 * minute + 1));
  });

  test('a Stop closes its session and not the visit', async () => {
    await observe([
      { ago: 5, status: 'start' },
      { ago: 4, status: 'stop', octets: 7 },
    ]);
    await expire();
    expect(await story()).toEqual(['open 5-5']);
    expect(await visits()).toEqual(['open 5-4']);
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
    expect(await story()).toEqual(['open 40-40', 'closed 40-30']);
  });

  test('a late Start of a closed session does not reopen the visit', async () => {
    await observe([{ ago: 40, status: 'stop', octets: 9, lastedMin: 20 }]);
    await expire();
    await observe([{ ago: 60, status: 'start' }]);
    expect(await story()).toEqual(['open 60-40', 'closed 60-40']);
  });

  test('activity after a silence longer than the timeout is a new visit, even before a timer has looked', async () => {
    await observe([{ ago: 90, status: 'start' }]);
    await observe([{ ago: 3, octets: 9 }]);
    expect(await story()).toEqual(['open 90-90', 'closed 90-90', 'open 3-3']);
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
    expect(await story()).toEqual(['open 10-10']);
    expect(await lastActive()).toBe(-4 * minute);
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
    expect(await lastActive()).toBe(-11 * minute);
    expect((await state())?.links.length).toBeLessThanOrEqual(12);
  });
});

describe('settling', () => {
  beforeEach(() => begin(rulesOf({ settle: 2 * minute })));

  test('a walk-by that stops within the settle time is never an arrival', async () => {
    await observe([
      { ago: 30, status: 'start' },
      { ago: 29, status: 'stop', octets: 5 },
    ]);
    await observe([
      { ago: 20, status: 'start', session: 's2' },
      { ago: 19, status: 'stop', octets: 5, session: 's2' },
    ]);
    await expire();
    expect(await story()).toEqual([]);
  });

  test('walk-bys within one idle timeout do not add up', async () => {
    await observe([
      { ago: 9, status: 'start' },
      { ago: 8, status: 'stop', octets: 5 },
      { ago: 4, status: 'start', session: 's2' },
      { ago: 3, status: 'stop', octets: 5, session: 's2' },
    ]);
    await expire();
    expect(await story()).toEqual([]);
  });

  test('who is still associated when the settle time has passed has arrived when they were first seen', async () => {
    await observe([{ ago: 1, status: 'start' }]);
    expect(await story()).toEqual([]);
    await world.wait(present + 2);
    expect(await story()).toEqual(['open 1-1']);
  });

  test('a late Stop that shows a walk-by takes the arrival back', async () => {
    await observe([{ ago: 1, status: 'start' }]);
    await world.wait(present + 2);
    await observe([{ ago: 0, status: 'stop', octets: 5 }]);
    expect(await story()).toEqual(['open 1-1', 'void 1-1']);
  });

  test('what was too brief to be an arrival is one when its session goes on', async () => {
    await begin(rulesOf({ settle: 2 * minute, rejoin: 20 * minute }));
    await observe([{ ago: 26, device: 'phone', session: 'a' }]);
    await observe([
      { ago: 15, device: 'tablet', session: 'b', status: 'start' },
      { ago: 12, device: 'tablet', session: 'b' },
    ]);
    await observe([{ ago: 1, device: 'phone', session: 'a' }]);
    expect(await story()).toEqual(['open 15-12', 'open 26-1']);
  });

  test('who is seen again after the settle time has arrived', async () => {
    await observe([
      { ago: 5, kind: 'active' },
      { ago: 4, kind: 'active' },
      { ago: 3, kind: 'active' },
    ]);
    expect(await story()).toEqual(['open 5-3']);
  });
});

describe('evidence out of order', () => {
  test('an earlier Start dates the visit back', async () => {
    await observe([{ ago: 5, octets: 9 }]);
    await observe([{ ago: 8, status: 'start' }]);
    expect(await story()).toEqual(['open 5-5', 'open 8-5']);
  });

  test('a late interim that shows that the traffic was over earlier moves the last activity back', async () => {
    await observe([
      { ago: 12, status: 'start' },
      { ago: 2, octets: 9 },
    ]);
    await observe([{ ago: 7, octets: 9 }]);
    expect(await lastActive()).toBe(-7 * minute);
  });

  test('reports of one second count once, whichever comes first', async () => {
    await observe([{ ago: 5, octets: 9 }]);
    await observe([{ ago: 5, status: 'start' }]);
    await observe([{ ago: 1, octets: 9 }]);
    expect(await lastActive()).toBe(-5 * minute);
  });
});

test('nothing is taken while the ledger is too far behind', async () => {
  await begin(rulesOf(), 1);
  expect(await observe([{ ago: 5, status: 'start' }])).toBe('ok');
  const before = await state();
  expect(await observe([{ ago: 0, kind: 'active' }])).toBe('full');
  expect(await state()).toEqual(before);
});

test('a customer who has been away for a day is forgotten', async () => {
  await observe([{ ago: 24 * 60 + 30, status: 'start' }]);
  await expire();
  await redis.client.zadd(world.store.keys.due, world.now - 1, 'hq|mia');
  await expire();
  expect(await redis.client.hlen(world.store.keys.presence)).toBe(0);
  expect(await redis.client.zcard(world.store.keys.due)).toBe(0);
});

test('a damaged record holds up nobody, and presence of that customer begins anew', async () => {
  await redis.client.hset(world.store.keys.presence, 'hq|noah', 'not a record');
  await redis.client.zadd(world.store.keys.due, 1, 'hq|noah');
  await redis.client.hset(world.store.keys.presence, 'hq|mia', 'not one either');
  await observe([{ ago: 20, status: 'start' }]);
  await expire();
  expect(await story()).toEqual(['open 20-20', 'closed 20-20']);
});

test('nothing is decided about a space that this node does not know', async () => {
  await observe([{ ago: 20, status: 'start' }]);
  await world.store.expire(new RuleBook([rulesOf({ id: 'annex' })], lateWindow, { now: () => world.now }).bySpace, 500);
  expect(await story()).toEqual(['open 20-20']);
  await redis.client.zadd(world.store.keys.due, world.now - 1, 'hq|mia');
  await expire();
  expect(await story()).toEqual(['open 20-20', 'closed 20-20']);
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
  expect(await lastActive()).toBe(0);
});

test('a repetition that tells of a moment earlier is the same arrival, and no other', async () => {
  await observe([{ ago: 1, status: 'start' }]);
  await observe([{ ago: 1.01, status: 'start' }]);
  expect((await world.transitions()).map((told) => (told.type === 'visit' ? told.state : told.type))).toEqual([
    'open',
    'open',
  ]);
  expect((await state())?.visits).toHaveLength(1);
});
