import { afterAll, describe, expect, test } from 'vitest';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { PostgresServer } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { never, until } from '../support/until.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

/** Long enough that an outage of a few seconds lies within it, short enough to see departures after it. */
const SPACES = [{ id: 'main', idleTimeout: '6s' }];
const PEOPLE = 30;

type CheckIns = { readonly items: readonly { readonly customerId: string; readonly state: string }[] };

function crowd(prefix: string, first: number) {
  return Array.from({ length: PEOPLE }, (_, n) => ({ id: `${prefix}${n}`, mac: crowdMac(first + n) }));
}

describe('T2: an outage', () => {
  test('T2: of the database: still acknowledged, not ready, and afterwards every transition is recorded once', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const service = opened.use(await Service.start({ spaces: SPACES, databaseUrl: await postgres.createDatabase() }));
    const before = crowd('before', 0);
    const during = crowd('during', PEOPLE);
    await registerPeople(service.api, [...before, ...during]);
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    await Promise.all(before.map(({ mac }) => nas.session({ mac }).start()));
    await postgres.stop();
    await Promise.all(during.map(({ mac }) => nas.session({ mac }).start()));
    const { body } = await until('it says that it is not ready', async () => {
      const answer = await service.readiness();
      return answer.status === 503 && answer;
    });
    expect(JSON.stringify(body)).toMatch(/sql|database|postgres/i);
    // Those who came before are due to leave while nobody can write it down.
    await until('those who came before are overdue', () => nas.quietForMs() > 7_000, 10_000);
    await postgres.resume();
    await until('it is ready again', () => service.isReady(), 20_000);
    const feed = opened.use(await service.sse(0));
    for (const { id } of [...before, ...during]) await feed.next('checkout.recorded', id, 20_000);
    const page = await service.api.get<CheckIns>('/v1/check-ins?limit=500');
    const people = [...before, ...during].map(({ id }) => id);
    expect(page.items.map(({ customerId }) => customerId).toSorted()).toEqual(people.toSorted());
    expect(feed.events.map(({ sequence }) => sequence)).toEqual(feed.events.map((_, index) => index + 1));
    for (const { id } of [...before, ...during]) expect(feed.count('checkin.recorded', id)).toBe(1);
  }, 90_000);

  test('T2: of Redis: no acknowledgement and not ready, and afterwards it continues by itself', async () => {
    const redis = opened.use(await startRedis());
    const service = opened.use(
      await Service.start({ spaces: [{ id: 'main', idleTimeout: '5m' }], redisUrl: redis.url }),
    );
    const [early, late] = [
      { id: 'early', mac: crowdMac(1) },
      { id: 'late', mac: crowdMac(2) },
    ];
    await registerPeople(service.api, [early, late]);
    const feed = opened.use(await service.sse());
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    await nas.session({ mac: early.mac }).start();
    await feed.next('checkin.recorded', 'early');
    await redis.stop();
    await until('it says that it is not ready', async () => (await service.readiness()).status === 503);
    const acknowledged = nas.acknowledged;
    const start = nas.session({ mac: late.mac }).start();
    await never('a Start is acknowledged that nobody recorded', 1_500, () => nas.acknowledged > acknowledged);
    expect(service.ended).toBeUndefined();
    await redis.start();
    await start;
    await feed.next('checkin.recorded', 'late');
    await until('it is ready again', () => service.isReady());
    expect(feed.count('checkin.recorded', 'early')).toBe(1);
    expect(feed.count('checkout.recorded', 'early')).toBe(0);
  }, 60_000);
});
