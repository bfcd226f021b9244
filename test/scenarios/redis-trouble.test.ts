import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { freePort } from '../support/free-port.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { never, until } from '../support/until.ts';

/** Longer than the idle timeout, and long enough to be a gap in what the service saw. */
const TROUBLE_MS = process.env['ROLLCALL_TEST_ALL'] === undefined ? 6_500 : 60_000;
const IDLE_MS = 3_000;
const OPEN_LONG_MS = 20_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

type Line = { readonly redis: RedisServer; readonly line: TcpProxy };
type Trouble = {
  readonly name: string;
  readonly begin: (at: Line) => Promise<unknown>;
  readonly end: (at: Line) => Promise<unknown>;
};

/** Enough commands in the append-only file that loading it takes as long as the trouble lasts. */
const LOADED_KEYS = 20_000;

const troubles: readonly Trouble[] = [
  {
    name: 'is paused',
    begin: ({ redis }) => redis.command('CLIENT', 'PAUSE', String(TROUBLE_MS), 'ALL'),
    end: async () => undefined,
  },
  {
    name: 'is stopped by SIGSTOP',
    begin: async ({ redis }) => redis.signal('SIGSTOP'),
    end: async ({ redis }) => redis.signal('SIGCONT'),
  },
  {
    name: 'is behind a line that swallows everything',
    begin: async ({ line }) => line.blackhole(),
    end: async ({ line }) => line.heal(),
  },
  {
    name: 'has become a replica and says READONLY',
    begin: async ({ redis }) => redis.command('REPLICAOF', '127.0.0.1', String(await freePort())),
    end: ({ redis }) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'loads its data and says LOADING',
    async begin({ redis }) {
      const fill = `for i = 1, ${LOADED_KEYS} do redis.call('SET', 'filler:' .. i, i) end`;
      await redis.command('EVAL', fill, '0');
      await redis.stop('SIGKILL');
      await redis.start(['--key-load-delay', String(Math.round((TROUBLE_MS * 1_000) / LOADED_KEYS))], 'LOADING');
    },
    end: async () => undefined,
  },
  {
    name: 'is out of memory and says OOM',
    begin: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
  },
];

describe.concurrent.each(troubles)('T7: Redis $name', ({ name, begin, end }) => {
  test(
    `T7: while Redis ${name}, nothing is acknowledged and nobody is out, and afterwards all goes on`,
    async () => {
      const redis = opened.use(await startRedis());
      const line = opened.use(await TcpProxy.open({ to: redis.port, seed: 7 }));
      const spaces = [{ id: 'main', idleTimeout: `${IDLE_MS / 1_000}s` }];
      const service = opened.use(await Service.start({ spaces, redisUrl: `redis://127.0.0.1:${line.port}` }));
      for (const [n, id] of ['staying', 'coming'].entries())
        await registerPerson(service.api, { id, mac: documentationMac(n) });
      const feed = opened.use(await service.sse());
      const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
      const session = nas.session({ mac: documentationMac(0) });
      await session.start();
      const here = stay(session);
      await feed.next('checkin.recorded', 'staying');

      await begin({ redis, line });
      const began = performance.now();
      await until('it says that it is not ready', async () => (await service.readiness()).status === 503);
      const acknowledged = nas.acknowledged;
      const start = nas.session({ mac: documentationMac(1) }).start();
      const isOver = () => performance.now() - began > TROUBLE_MS - 500;
      await until('the trouble is over', () => isOver() || nas.acknowledged > acknowledged, TROUBLE_MS + 5_000);
      expect(nas.acknowledged).toBe(acknowledged);
      expect(feed.count('checkout.recorded', 'staying')).toBe(0);

      await end({ redis, line });
      await start;
      await feed.next('checkin.recorded', 'coming');
      await until('it is ready again', () => service.isReady());
      await never(
        'somebody is checked out who is here',
        2 * IDLE_MS,
        () => feed.count('checkout.recorded', 'staying') > 0,
      );
      await here.leave();
      await feed.next('checkout.recorded', 'staying', OPEN_LONG_MS);
      expect(await checkInsOf(service.api, 'staying')).toMatchObject([{ state: 'closed' }]);
      expect(feed.count('presence.arrived', 'staying')).toBe(1);
      expect(await service.metric('rollcall_redis_rebuilds_total')).toBe(0);
      expect(service.ended).toBeUndefined();
      expect(service.log).not.toMatch(/unhandled|uncaught/i);
    },
    TROUBLE_MS + 60_000,
  );
});
