import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { FakeTime } from '../support/fake-time.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { startRedis } from '../support/redis.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { never, until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const IDLE_MS = 3_000;
const OPEN_LONG_MS = 20_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

async function venue() {
  const time = opened.use(new FakeTime());
  const redis = opened.use(await startRedis({ env: time.env }));
  const spaces = [{ id: 'main', idleTimeout: `${IDLE_MS / 1_000}s` }];
  const service = opened.use(await Service.start({ spaces, redisUrl: redis.url, env: time.env }));
  const feed = opened.use(await service.sse());
  const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
  return { time, service, feed, nas };
}

describe.concurrent.each([
  { name: 'forward', jumpMs: HOUR_MS },
  { name: 'back', jumpMs: -HOUR_MS },
])('T9: the wall clock is set $name by an hour during visits', ({ name, jumpMs }) => {
  test(`T9: set ${name}, nobody is checked out by it, and the times of each visit are in order`, async () => {
    const { time, service, feed, nas } = await venue();
    for (const [n, id] of ['staying', 'leaving', 'coming'].entries())
      await registerPerson(service.api, { id, mac: documentationMac(n) });
    const session = nas.session({ mac: documentationMac(0) });
    await session.start();
    const here = stay(session);
    await nas.session({ mac: documentationMac(1) }).start();
    for (const id of ['staying', 'leaving']) await feed.next('checkin.recorded', id);

    time.stepBy(jumpMs);
    const stepped = performance.now();
    const event = await until('the step is told', () => feed.events.find(({ type }) => type === 'clock.stepped'));
    expect(Math.abs(Number(event.data['jumpMs']) - jumpMs)).toBeLessThan(2_000);
    await nas.session({ mac: documentationMac(2) }).start();
    const arrived = await feed.next('checkin.recorded', 'coming');
    expect(Math.abs(Date.parse(String(arrived.data['startedAt'])) - time.now())).toBeLessThan(2_000);

    // Whoever has left is out after an idle timeout at the earliest and a fresh one at the latest.
    const out = await feed.next('checkout.recorded', 'leaving', OPEN_LONG_MS);
    expect(out.receivedAt - stepped).toBeGreaterThan(IDLE_MS - 1_500);
    expect(out.receivedAt - stepped).toBeLessThan(IDLE_MS + 2_000);
    await never('who is here is out', IDLE_MS + 500, () => feed.count('checkout.recorded', 'staying') > 0);
    const last = await here.leave();
    const gone = await feed.next('checkout.recorded', 'staying', OPEN_LONG_MS);
    // Their last activity was after the step, so it is told by the new clock; which cannot lie before their arrival.
    const expected = Math.max(last + time.distanceMs, Date.parse(String(gone.data['startedAt'])));
    expect(Math.abs(Date.parse(String(gone.data['endedAt'])) - expected)).toBeLessThan(1_000);
    for (const id of ['staying', 'leaving']) {
      const [checkIn, ...others] = await checkInsOf(service.api, id);
      expect(others).toEqual([]);
      const times = [checkIn?.startedAt, checkIn?.endedAt, checkIn?.detectedAt].map((text) => Date.parse(text ?? ''));
      expect(times.toSorted((a, b) => a - b)).toEqual(times);
      expect(feed.count('checkin.recorded', id)).toBe(1);
      expect(feed.count('checkout.recorded', id)).toBe(1);
    }
    expect(feed.events.filter(({ type }) => type === 'clock.stepped')).toHaveLength(1);
    expect(await service.metric('rollcall_clock_steps_total')).toBe(1);
  }, 60_000);
});

describe.concurrent('T9: the wall clock is set while the service is down', () => {
  test('T9: killed, and an hour earlier started again, it goes on recording and keeps its visits', async () => {
    const { time, service, nas } = await venue();
    await registerPerson(service.api, { id: 'staying', mac: documentationMac(0) });
    await registerPerson(service.api, { id: 'coming', mac: documentationMac(1) });
    const session = nas.session({ mac: documentationMac(0) });
    await session.start();
    await until('the check-in is recorded', async () => (await checkInsOf(service.api, 'staying')).length === 1);
    const here = stay(session);
    // Killed, it cannot give back what it holds for a limited time, and that time is told by the wall clock.
    await service.kill('SIGKILL');
    time.stepBy(-HOUR_MS);
    await service.start();
    const feed = opened.use(await service.sse(0));
    await nas.session({ mac: documentationMac(1) }).start();
    await feed.next('checkin.recorded', 'coming', OPEN_LONG_MS);
    await here.leave();
    await feed.next('checkout.recorded', 'staying', OPEN_LONG_MS);
    expect(await checkInsOf(service.api, 'staying')).toHaveLength(1);
  }, 60_000);
});
