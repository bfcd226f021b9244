import { afterAll, describe, expect, test } from 'vitest';
import { allCheckIns } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { PostgresServer } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { never, until } from '../support/until.ts';

/** Few transitions may wait, so that a test can have more of them. */
const MAX_BACKLOG = 20;
const PEOPLE = 30;
const OPEN_LONG_MS = 20_000;
const SPACES = [{ id: 'main', idleTimeout: '5m' }];

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

const people = Array.from({ length: PEOPLE }, (_, n) => ({ id: `c${n}`, mac: crowdMac(n) }));

/** Whether so many requests are acknowledged, and no more of them for a while. */
async function expectAcknowledged(nas: Nas, count: number): Promise<void> {
  await until(`${count} are acknowledged`, () => nas.acknowledged >= count);
  await never('more than that are acknowledged', 1_500, () => nas.acknowledged > count);
}

async function expectEveryoneOnce(service: Service): Promise<void> {
  const feed = opened.use(await service.sse(0));
  for (const { id } of people) await feed.next('checkin.recorded', id, OPEN_LONG_MS);
  expect((await allCheckIns(service.api)).map(({ customerId }) => customerId).toSorted()).toEqual(
    people.map(({ id }) => id).toSorted(),
  );
  expect(feed.events.map(({ sequence }) => sequence)).toEqual(feed.events.map((_, index) => index + 1));
  await until('it is ready again', () => service.isReady());
  expect(service.log).not.toMatch(/unhandled|uncaught/i);
}

describe.concurrent('T2: servers that answer, and refuse to write', () => {
  test('T2: while Redis refuses writes, requests go unanswered as notRecorded, and are recorded afterwards', async () => {
    const redis = opened.use(await startRedis());
    const service = opened.use(await Service.start({ spaces: SPACES, redisUrl: redis.url }));
    await registerPeople(service.api, people);
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    // It has no replica, so that it refuses every write with NOREPLICAS and answers every question.
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    const starts = people.map(({ mac }) => nas.session({ mac }).start());
    await expectAcknowledged(nas, 0);
    const refused = await service.metric('rollcall_radius_requests_total', 'result="notRecorded"');
    expect(refused).toBeGreaterThanOrEqual(PEOPLE);
    expect(await service.metric('rollcall_radius_requests_total', 'result="accepted"')).toBe(0);
    expect(await service.readiness()).toMatchObject({ status: 503 });
    expect(JSON.stringify((await service.readiness()).body)).toContain('Redis takes no writes');
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await Promise.all(starts);
    await expectEveryoneOnce(service);
  }, 60_000);

  test('T2: while SQL refuses writes, transitions wait up to maxBacklog, then silence, and all are recorded afterwards', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const databaseUrl = await postgres.createDatabase();
    const config = { maxBacklog: MAX_BACKLOG };
    const service = opened.use(await Service.start({ spaces: SPACES, databaseUrl, config }));
    await registerPeople(service.api, people);
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    await postgres.query('alter system set default_transaction_read_only = on');
    await postgres.query('select pg_reload_conf()');
    const starts: Promise<unknown>[] = [];
    for (const { mac } of people.slice(0, MAX_BACKLOG)) {
      starts.push(nas.session({ mac }).start());
      // One by one, since the limit is looked at before each batch.
      await nas.untilAcknowledged(starts.length);
    }
    starts.push(...people.slice(MAX_BACKLOG).map(({ mac }) => nas.session({ mac }).start()));
    await expectAcknowledged(nas, MAX_BACKLOG);
    const { status, body } = await service.readiness();
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toMatch(/20 transitions wait/);
    await postgres.query('alter system reset default_transaction_read_only');
    await postgres.query('select pg_reload_conf()');
    await Promise.all(starts);
    await expectEveryoneOnce(service);
  }, 60_000);
});
