import { afterAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/demo/random.ts';
import { allCheckIns } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const all = process.env['ROLLCALL_TEST_ALL'] !== undefined;
/** The long run kills the service as often as the promise is stated for. */
const SERVICE_KILLS = all ? 200 : 3;
const REDIS_KILLS = all ? 40 : 3;
const STARTS_PER_KILL = all ? 20 : 40;
/** Whole seconds of a long idle timeout keep check-outs out of this story. */
const SPACES = [{ id: 'main', idleTimeout: '30m' }];

type Victim = { readonly name: string; readonly times: number; readonly kill: (service: Service) => Promise<void> };

const victims: readonly Victim[] = [
  {
    name: 'the service',
    times: SERVICE_KILLS,
    async kill(service) {
      await service.kill('SIGKILL');
      await service.start();
    },
  },
  {
    name: 'its private Redis',
    times: REDIS_KILLS,
    async kill(service) {
      const [pid] = service.redisPids();
      if (pid === undefined) throw new Error('the service has no private redis-server');
      process.kill(pid, 'SIGKILL');
      await until('another redis-server runs', () => service.redisPids().some((other) => other !== pid));
      await until('the service can record again', () => service.isReady());
    },
  },
];

describe.each(victims)('T1: kill -9 of $name under load', ({ name, times, kill }) => {
  const opened = new AsyncDisposableStack();
  afterAll(() => opened.disposeAsync());

  test(
    `T1: ${name} killed ${times} times at random points, and every acknowledged Start has exactly one check-in`,
    async () => {
      const service = opened.use(await Service.start({ spaces: SPACES }));
      const people = Array.from({ length: times * STARTS_PER_KILL }, (_, n) => ({ id: `c${n}`, mac: crowdMac(n) }));
      await registerPeople(service.api, people);
      const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
      const sessions = people.map(({ mac }) => nas.session({ mac }));
      const random = createRandom(1);
      for (let kills = 0; kills < times; kills += 1) {
        const batch = sessions.slice(kills * STARTS_PER_KILL, (kills + 1) * STARTS_PER_KILL);
        // Those who are in already keep the service busy, and the blow falls among them and those who come.
        const load = sessions
          .slice(Math.max(0, kills * STARTS_PER_KILL - 100), kills * STARTS_PER_KILL)
          .map((session) => session.interim(1_000));
        const starts = batch.map((session) => session.start());
        await nas.untilAcknowledged(nas.acknowledged + Math.floor(random() * (batch.length + load.length)));
        await kill(service);
        // Whatever was not acknowledged is repeated by the access point until it is.
        await Promise.all([...starts, ...load]);
      }
      const checkIns = await until('every Start has its check-in', async () => {
        const found = await allCheckIns(service.api);
        return found.length >= people.length && found;
      });
      expect(checkIns.every(({ state }) => state === 'open')).toBe(true);
      expect(checkIns.map(({ customerId }) => customerId).toSorted()).toEqual(people.map(({ id }) => id).toSorted());
    },
    times * 10_000 + 120_000,
  );

  test('T1: the feed numbers its events without a gap, and names each arrival once', async () => {
    const service = await Service.start({ spaces: SPACES });
    opened.use(service);
    await registerPeople(service.api, [{ id: 'solo', mac: crowdMac(1) }]);
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    const session = nas.session({ mac: crowdMac(1) });
    await session.start();
    await kill(service);
    await session.interim(1_000);
    const stream = opened.use(await service.sse(0));
    await stream.next('checkin.recorded', 'solo');
    expect(stream.events.map(({ sequence }) => sequence)).toEqual(stream.events.map((_, index) => index + 1));
    expect(stream.count('checkin.recorded', 'solo')).toBe(1);
  });
});
