import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { until } from '../support/until.ts';

const IDLE_MS = 3_000;
const OPEN_LONG_MS = 20_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

const losses: readonly { readonly name: string; readonly lose: (redis: RedisServer) => Promise<void> }[] = [
  {
    name: 'kill -9 and a start without its data',
    async lose(redis) {
      await redis.stop('SIGKILL');
      await redis.empty();
      await redis.start();
    },
  },
  { name: 'FLUSHALL', lose: async (redis) => void (await redis.command('FLUSHALL')) },
];

describe.concurrent.each(losses)('T6: Redis loses everything by $name', ({ name, lose }) => {
  test(`T6: after ${name}, who is here stays in the same visit, and who has left is out once`, async () => {
    const redis = opened.use(await startRedis());
    const spaces = [{ id: 'main', idleTimeout: `${IDLE_MS / 1_000}s` }];
    const service = opened.use(await Service.start({ spaces, redisUrl: redis.url }));
    const [staying, leaving] = [documentationMac(1), documentationMac(2)];
    await registerPerson(service.api, { id: 'staying', mac: staying });
    await registerPerson(service.api, { id: 'leaving', mac: leaving });
    const feed = opened.use(await service.sse());
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    const session = nas.session({ mac: staying });
    await session.start();
    const here = stay(session);
    const { acknowledgedAt } = await nas.session({ mac: leaving }).start();
    for (const id of ['staying', 'leaving']) await feed.next('checkin.recorded', id);
    expect(await service.metric('rollcall_redis_rebuilds_total')).toBe(0);

    await lose(redis);
    const acknowledged = nas.acknowledged;
    await until('reports are acknowledged again', () => nas.acknowledged > acknowledged);
    expect(await service.metric('rollcall_redis_rebuilds_total')).toBe(1);
    const since = performance.now();

    // The events of before and after are one sequence on one stream that was never cut.
    const { data, receivedAt } = await feed.next('checkout.recorded', 'leaving', OPEN_LONG_MS);
    expect(receivedAt - since).toBeGreaterThan(IDLE_MS - 1_500);
    const left = performance.timeOrigin + acknowledgedAt;
    expect(Math.abs(Date.parse(String(data['endedAt'])) - left)).toBeLessThan(1_000);
    await until('a second idle timeout is over', () => performance.now() - since > 2 * IDLE_MS - 500);
    expect(feed.count('checkout.recorded', 'staying')).toBe(0);

    const last = await here.leave();
    const gone = await feed.next('checkout.recorded', 'staying', OPEN_LONG_MS);
    expect(Math.abs(Date.parse(String(gone.data['endedAt'])) - last)).toBeLessThan(1_000);
    for (const id of ['staying', 'leaving']) {
      expect(await checkInsOf(service.api, id)).toMatchObject([{ state: 'closed' }]);
      expect(feed.count('checkin.recorded', id)).toBe(1);
      expect(feed.count('presence.arrived', id)).toBe(1);
    }
    expect(feed.events.map(({ sequence }) => sequence - (feed.events[0]?.sequence ?? 0))).toEqual(
      feed.events.map((_, index) => index),
    );
    expect(await service.metric('rollcall_redis_rebuilds_total')).toBe(1);
    expect(service.ended).toBeUndefined();
  }, 60_000);
});
