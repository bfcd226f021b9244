import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgetPerson } from '../../src/presence/forget-person.ts';
import { forgetUnknown, spacesWithPresence, withdrawPresence } from '../../src/presence/withdraw.ts';
import { useDatabases } from '../support/databases.ts';
import { House } from '../support/house.ts';
import { minute, morning, PresenceWorld, rulesOf } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

const redis = useRedis();
const databases = useDatabases('sqlite');
const spaces = [rulesOf(), rulesOf({ id: 'annex' })];
let world: PresenceWorld;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  world = await new PresenceWorld(redis.client, spaces).start();
});
afterEach(() => stack.disposeAsync());

const held = async (): Promise<readonly string[]> => {
  const { keys } = world.store;
  return [...(await redis.client.hkeys(keys.presence)), ...(await redis.client.zrange(keys.due, '0', '-1'))];
};

test('who withdraws is out where they were last active, and nothing of them is left but that', async () => {
  await world.observe({ at: 0, octets: 1 }, { at: 0, who: 'noor', octets: 1 });
  await world.go(10);
  await world.observe({ at: 10, octets: 2 });
  await world.go(12);
  expect(await withdrawPresence([world.store], 'mia', ['hq', 'annex'], 'manual')).toBe(1);
  const transitions = await world.transitions();
  expect(transitions.at(-2)).toMatchObject({
    type: 'visit',
    state: 'closed',
    customerId: 'mia',
    reason: 'manual',
    lastActivityAt: morning + 10 * minute,
    detectedAt: morning + 12 * minute,
    runs: [],
    deviceIds: [],
  });
  expect(transitions.at(-1)).toMatchObject({ type: 'withdrawn', customerId: 'mia' });
  expect(await held()).toEqual(['hq|noor', 'hq|noor']);
  expect(await withdrawPresence([world.store], 'mia', ['hq', 'annex'], 'manual')).toBe(0);
  expect(await world.transitions()).toHaveLength(transitions.length);
});

test('a person is forgotten in every space, and in all that waits to be recorded or was refused', async () => {
  await world.observe({ at: 0 }, { at: 0, who: 'noor', session: 's2' });
  await world.observe({ at: 0, space: 'annex', device: 'tablet', session: 's3' });
  const registeredTo = { customerId: 'mia', deviceId: 'phone' };
  await world.observe({ at: 0, who: 'omar', session: 's4', registeredTo });
  expect((await spacesWithPresence([world.store], 'mia')).toSorted()).toEqual(['annex', 'hq']);
  const { refused } = world.store.keys;
  for (const customerId of ['mia', 'noor'])
    await redis.client.rpush(refused, JSON.stringify({ transition: { customerId } }));
  await forgetPerson([world.store], 'mia');
  expect((await held()).filter((member) => member.endsWith('|mia'))).toEqual([]);
  const left = await world.transitions();
  expect(left.map((each) => ('customerId' in each ? each.customerId : ''))).toEqual(['noor', 'omar']);
  expect(await redis.client.lrange(refused, 0, -1)).toEqual([JSON.stringify({ transition: { customerId: 'noor' } })]);
});

test('presence that the ledger refused goes, unless somebody has come since under the same id', async () => {
  await world.observe({ at: 0 });
  const [first] = await world.transitions();
  const visit = { customerId: 'mia', spaceId: 'hq', visitId: first?.type === 'visit' ? first.visitId : '' };
  expect(await forgetUnknown(world.store, [{ ...visit, visitId: 'another' }])).toBe(0);
  expect(await held()).toHaveLength(2);
  expect(await forgetUnknown(world.store, [visit, { ...visit, customerId: 'nobody' }])).toBe(1);
  expect(await held()).toEqual([]);
});

test('nothing of a pause is kept, whenever it comes in; a session that lasts through it begins at its end', async () => {
  let since: number | undefined;
  const house = stack.use(
    await House.open(await databases.open(), redis.url, { trackedSince: (who) => (who === 'mia' ? since : undefined) }),
  );
  await house.customer('mia');
  const report = { who: 'mia', nas: 'ap', session: 's1' } as const;
  await house.report({ ...report, status: 'start', octets: 0 });
  await house.passTo(10);
  await house.report({ ...report, status: 'interim', octets: 10 });
  since = morning + 60 * minute;
  await withdrawPresence([house.store], 'mia', ['hq'], 'manual');
  await house.passTo(30);
  expect(await house.report({ ...report, status: 'interim', octets: 20, lastedMin: 30 })).toBe('ignored');
  expect(await house.redis.exists(house.store.keys.presence)).toBe(0);
  expect(await house.story('mia')).toEqual(['closed 0-10 manual']);
  const rows = await house.db.read.selectFrom('visits').select('runs').execute();
  expect(rows).toEqual([{ runs: '[]' }]);

  await house.passTo(65);
  expect(await house.report({ ...report, status: 'interim', octets: 30, lastedMin: 65 })).toBe('recorded');
  expect(await house.report({ ...report, status: 'interim', octets: 25, lastedMin: 40, at: 40 })).toBe('ignored');
  expect(await house.story('mia')).toEqual(['closed 0-10 manual', 'open 60-']);
});
