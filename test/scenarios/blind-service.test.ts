import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { never, until } from '../support/until.ts';

const IDLE_MS = 2_000;
/** Longer than the idle timeout, and than what is taken for a gap in what the service saw. */
const BLIND_MS = process.env['ROLLCALL_TEST_ALL'] === undefined ? IDLE_MS + 6_000 : 40_000;
const OPEN_LONG_MS = 20_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

const blinds = [
  {
    name: 'stopped by SIGSTOP',
    begin: async (service: Service) => service.signal('SIGSTOP'),
    end: async (service: Service) => service.signal('SIGCONT'),
  },
  {
    name: 'killed',
    begin: async (service: Service) => void (await service.kill('SIGKILL')),
    end: (service: Service) => service.start(),
  },
];

describe.concurrent.each(blinds)('T10: the service is $name for longer than the idle timeout', ({ name, ...blind }) => {
  test(
    `T10: ${name}, it checks nobody out who is still here, and who left was last seen when they were`,
    async () => {
      const service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout: `${IDLE_MS / 1_000}s` }] }));
      for (const [n, id] of ['staying', 'slow', 'leaving'].entries())
        await registerPerson(service.api, { id, mac: documentationMac(n) });
      const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
      const sessions = [0, 1, 2].map((n) => nas.session({ mac: documentationMac(n) }));
      await Promise.all(sessions.map((session) => session.start()));
      const [staying, slow, leaving] = sessions.map((session) => stay(session));
      await until('their check-ins are recorded', async () => (await checkInsOf(service.api, 'leaving')).length === 1);
      await slow?.leave();
      const left = await leaving?.leave();

      await blind.begin(service);
      const began = performance.now();
      await until('it was blind for long enough', () => performance.now() - began > BLIND_MS, BLIND_MS + 1_000);
      await blind.end(service);
      const seesAgain = performance.now();
      const feed = opened.use(await service.sse(0));
      // The slow one reports only when most of the fresh idle window is over.
      await until('most of the window is over', () => performance.now() - seesAgain > IDLE_MS - 700);
      expect(feed.events.filter(({ type }) => type === 'checkout.recorded')).toEqual([]);
      const later = stay(sessions[1] as (typeof sessions)[number]);

      const { data, receivedAt } = await feed.next('checkout.recorded', 'leaving', OPEN_LONG_MS);
      expect(receivedAt - seesAgain).toBeGreaterThan(IDLE_MS - 200);
      expect(Math.abs(Date.parse(String(data['endedAt'])) - (left ?? 0))).toBeLessThan(1_000);
      expect(data).toMatchObject({ checkOutReason: 'idle' });
      const outs = (id: string) => feed.count('checkout.recorded', id);
      await never('somebody who is here is out', IDLE_MS + 500, () => outs('staying') + outs('slow') > 0);
      await Promise.all([staying?.leave(), later.leave()]);
      for (const id of ['staying', 'slow', 'leaving']) {
        await feed.next('checkout.recorded', id, OPEN_LONG_MS);
        expect(await checkInsOf(service.api, id)).toHaveLength(1);
        expect(outs(id)).toBe(1);
      }
    },
    BLIND_MS + 60_000,
  );
});
