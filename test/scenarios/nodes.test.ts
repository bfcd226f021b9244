import { afterAll, describe, expect, test } from 'vitest';
import { allCheckIns, checkInsOf } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { PostgresServer } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { never, until } from '../support/until.ts';

const PEOPLE = 40;
const OPEN_LONG_MS = 30_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

describe('T29: several processes', () => {
  test('T29: two nodes on one PostgreSQL and one Redis share the work, and nothing is done twice', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const redis = opened.use(await startRedis());
    const databaseUrl = await postgres.createDatabase();
    const spaces = [{ id: 'main', idleTimeout: '4s' }];
    const one = opened.use(await Service.start({ spaces, databaseUrl, redisUrl: redis.url }));
    // Nodes of one ledger have one master key.
    const keyFile = `${one.dataDir}/keys/master.key`;
    const other = opened.use(await Service.start({ spaces, databaseUrl, redisUrl: redis.url, config: { keyFile } }));
    const people = Array.from({ length: PEOPLE }, (_, n) => ({ id: `c${n}`, mac: crowdMac(n) }));
    await registerPeople(one.api, [...people, { id: 'roaming', mac: crowdMac(PEOPLE) }]);
    const feeds = [opened.use(await one.sse()), opened.use(await other.sse())] as const;
    const nases = await Promise.all(
      [one, other].map(async (node) =>
        opened.use(await Nas.open({ port: node.radiusPort, secret: node.radiusSecret, repeatEveryMs: 200 })),
      ),
    );
    const [first, second] = nases as [Nas, Nas];
    await until('both know everybody', async () => {
      const answers = await Promise.all([one, other].map((node) => node.api.request('GET', '/v1/customers/roaming')));
      return answers.every(({ status }) => status === 200);
    });

    // Each report of the same session comes to both at the same time.
    await Promise.all(
      people.flatMap(({ mac }, n) => {
        const session = first.session({ mac, sessionId: `s${n}` });
        return [session.start(), second.send(session.report('start'))];
      }),
    );
    for (const { id } of people) for (const feed of feeds) await feed.next('checkin.recorded', id, OPEN_LONG_MS);

    // Somebody is heard of by either in turn, and one of the two is killed meanwhile.
    const mac = crowdMac(PEOPLE);
    await first.session({ mac }).start();
    await feeds[1].next('checkin.recorded', 'roaming', OPEN_LONG_MS);
    const here = stay(second.session({ mac }));
    await one.kill('SIGKILL');
    for (const { id } of people) await feeds[1].next('checkout.recorded', id, OPEN_LONG_MS);
    await never('who is here is out', 3_000, () => feeds[1].count('checkout.recorded', 'roaming') > 0);
    await one.start();
    await here.leave();
    await feeds[1].next('checkout.recorded', 'roaming', OPEN_LONG_MS);

    const found = await allCheckIns(one.api);
    expect(found).toEqual(await allCheckIns(other.api));
    expect(found.map(({ customerId }) => customerId).toSorted()).toEqual(
      [...people.map(({ id }) => id), 'roaming'].toSorted(),
    );
    const feed = opened.use(await other.sse(0));
    await feed.next('checkout.recorded', 'roaming', OPEN_LONG_MS);
    expect(feed.events.map(({ sequence }) => sequence)).toEqual(feed.events.map((_, index) => index + 1));
    for (const { id } of people) {
      expect(feed.count('presence.arrived', id)).toBe(1);
      expect(feed.count('checkin.recorded', id)).toBe(1);
      expect(feed.count('checkout.recorded', id)).toBe(1);
    }
    expect(await checkInsOf(one.api, 'roaming')).toHaveLength(1);
  }, 90_000);
});
