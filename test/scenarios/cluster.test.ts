import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Nas, type Session } from '../support/nas.ts';
import { crowdMac, registerPeople, registerPerson } from '../support/people.ts';
import { type ClusterNode, RedisCluster } from '../support/redis-cluster.ts';
import { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

const ourKey = 'rollcall:{0}:presence';
const PEOPLE = 60;
/** In the long run each primary that was killed comes back as a replica, to be promoted with the next blow. */
const KILLS = process.env['ROLLCALL_TEST_ALL'] === undefined ? 1 : 6;

type CheckIns = { readonly items: readonly { readonly customerId: string; readonly state: string }[] };

describe('on a Redis Cluster of three primaries and three replicas', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = opened.use(await RedisCluster.start());
  });

  async function start(idleTimeout: string) {
    const redisUrl = cluster.nodes.at(-1)?.url ?? '';
    const service = opened.use(await Service.start({ redisUrl, spaces: [{ id: 'main', idleTimeout }] }));
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    return { service, nas, feed: opened.use(await service.sse(0)) };
  }

  test('a phone that joins checks its owner in, and out once it was idle', async () => {
    const { service, nas, feed } = await start('2s');
    await registerPerson(service.api, { id: 'mia', mac: crowdMac(0) });
    await nas.session({ mac: crowdMac(0) }).start();
    await feed.next('checkin.recorded', 'mia');
    await feed.next('checkout.recorded', 'mia', 10_000);
    expect(feed.count('checkin.recorded', 'mia')).toBe(1);
    expect((await service.readiness()).body).toMatchObject({ ready: true, warnings: [] });
    await service.kill('SIGTERM');
  });

  test(
    `the loss of our primary under load, ${KILLS} times: it goes on by itself, and each acknowledged Start has exactly one check-in`,
    async () => {
      const { service, nas, feed } = await start('30m');
      const people = Array.from({ length: KILLS * PEOPLE }, (_, n) => ({ id: `c${n}`, mac: crowdMac(n + 1) }));
      await registerPeople(service.api, people);
      const sessions = people.map(({ mac }) => nas.session({ mac }));
      for (let kills = 0; kills < KILLS; kills += 1) {
        const primary = await cluster.primaryOf(ourKey);
        await loseUnderLoad(primary, sessions.slice(kills * PEOPLE, (kills + 1) * PEOPLE));
        const next = await until('the others know the new primary', async () => {
          const holder = await cluster.primaryOf(ourKey);
          return holder.port !== primary.port && holder;
        });
        expect(next.process.ended).toBeUndefined();
        const { body } = await until('it is ready', async () => {
          const answer = await service.readiness();
          return answer.status === 200 && answer;
        });
        // The one replica has become the primary, and nobody follows it until the other is back.
        expect(JSON.stringify(body)).toMatch(/no replica/u);
        if (kills + 1 < KILLS) await cluster.restart(primary);
      }
      const { items } = await until('every Start has its check-in', async () => {
        const page = await service.api.get<CheckIns>('/v1/check-ins?limit=500');
        return page.items.length >= people.length && page;
      });
      expect(items.map(({ customerId }) => customerId).toSorted()).toEqual(people.map(({ id }) => id).toSorted());
      expect(items.every(({ state }) => state === 'open')).toBe(true);
      for (const { id } of people) {
        await feed.next('checkin.recorded', id);
        expect([feed.count('checkin.recorded', id), feed.count('checkout.recorded', id)]).toEqual([1, 0]);
      }
    },
    KILLS * 40_000 + 20_000,
  );
});

/** Resolves once every Start has its answer. */
async function loseUnderLoad(primary: ClusterNode, sessions: readonly Session[]): Promise<void> {
  const waiting = [...sessions];
  const answered: Session[] = [];
  // A few at a time, so that the blow falls between answers; whatever gets none is repeated by the access point.
  const arrive = async (): Promise<void> => {
    for (let session = waiting.shift(); session !== undefined; session = waiting.shift()) {
      await session.start();
      answered.push(session);
    }
  };
  const arriving = Promise.all([arrive(), arrive(), arrive(), arrive()]);
  await until('half of them are in', () => answered.length >= sessions.length / 2, 20_000);
  const killed = primary.process.kill('SIGKILL');
  expect(waiting.length).toBeGreaterThan(0);
  // Those who are in go on reporting while nobody can answer.
  const load = answered.map((session) => session.interim(1_000));
  await killed;
  await Promise.all([arriving, ...load]);
}
