import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { stay } from '../support/stay.ts';
import { never, until } from '../support/until.ts';

const OPEN_LONG_MS = 20_000;
const PEOPLE = 5;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

async function venue(idleTimeout: string, client: Readonly<Record<string, unknown>> = {}) {
  const service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout }], client }));
  const people = Array.from({ length: PEOPLE }, (_, n) => ({ id: `p${n}`, mac: documentationMac(n) }));
  for (const person of people) await registerPerson(service.api, person);
  const feed = opened.use(await service.sse());
  const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
  const departures = () => people.reduce((sum, { id }) => sum + feed.count('checkout.recorded', id), 0);
  return { service, people, feed, nas, departures };
}

describe.concurrent('T8: access points that restart or vanish', () => {
  test('T8: Accounting-Off and -On give everybody an idle window, and who comes back is in the same visit', async () => {
    const { service, people, feed, nas, departures } = await venue('3s');
    const starts = await Promise.all(people.map(({ mac }) => nas.session({ mac }).start()));
    const started = Math.max(...starts.map(({ acknowledgedAt }) => acknowledgedAt));
    for (const { id } of people) await feed.next('checkin.recorded', id);
    await until('the idle timeout is nearly over', () => performance.now() - started > 2_000);
    await nas.reset('accountingOff');
    const { acknowledgedAt: restarted } = await nas.reset('accountingOn');
    // The first two of them come back.
    await never('a restart checks anybody out', 2_000, () => departures() > 0);
    const back = people.slice(0, 2).map(({ mac }) => nas.session({ mac }));
    await Promise.all(back.map((session) => session.start()));
    const stays = back.map((session) => stay(session));
    for (const [n, { id }] of people.entries()) {
      if (n < 2) continue;
      const { data, receivedAt } = await feed.next('checkout.recorded', id, OPEN_LONG_MS);
      // The window began with the restart; what is told is when they were seen.
      expect(receivedAt - restarted).toBeGreaterThan(2_900);
      const seen = performance.timeOrigin + (starts[n]?.acknowledgedAt ?? 0);
      expect(Math.abs(Date.parse(String(data['endedAt'])) - seen)).toBeLessThan(1_000);
    }
    await never('who came back is out', 3_500, () => departures() > PEOPLE - 2);
    await Promise.all(stays.map(({ leave }) => leave()));
    for (const { id } of people) {
      await feed.next('checkout.recorded', id, OPEN_LONG_MS);
      expect(await checkInsOf(service.api, id)).toHaveLength(1);
      expect(feed.count('checkout.recorded', id)).toBe(1);
    }
  }, 60_000);

  test('T8: a controller that falls silent with its stations active checks nobody out, and says so', async () => {
    const { service, people, feed, nas, departures } = await venue('6s', { reportingInterval: '1s' });
    const sessions = people.map(({ mac }) => nas.session({ mac }));
    await Promise.all(sessions.map((session) => session.start()));
    const stays = sessions.map((session) => stay(session));
    for (const { id } of people) await feed.next('checkin.recorded', id);
    await Promise.all(stays.map(({ leave }) => leave()));
    const down = await until('it is noticed', () => feed.events.find(({ type }) => type === 'source.down'));
    expect(down.data).toMatchObject({ sourceId: 'aps', nas: '192.0.2.10', problem: expect.stringContaining('1s') });
    await never('anybody is checked out', 7_000, () => departures() > 0);
    const back = sessions.map((session) => stay(session));
    await until('it is heard again', () => feed.events.some(({ type }) => type === 'source.up'));
    await never('its return checks anybody out', 2_000, () => departures() > 0);
    // Two of them leave, with a Stop; the others go on.
    for (const n of [0, 1]) {
      await back[n]?.leave();
      await sessions[n]?.stop();
      await feed.next('checkout.recorded', `p${n}`, OPEN_LONG_MS);
    }
    expect(departures()).toBe(2);
    for (const { id } of people) expect(await checkInsOf(service.api, id)).toHaveLength(1);
  }, 60_000);

  test('T8: nor does it where 2.2 reporting intervals are longer than the idle timeout', async () => {
    const { people, feed, nas, departures } = await venue('3s', { reportingInterval: '2s' });
    const sessions = people.map(({ mac }) => nas.session({ mac }));
    await Promise.all(sessions.map((session) => session.start()));
    const stays = sessions.map((session) => stay(session, 1_000));
    for (const { id } of people) await feed.next('checkin.recorded', id);
    // The last word of one is a good while before the last word of the others, as with any interval.
    await stays[0]?.leave();
    const alone = performance.now();
    await until('the others have reported once more', () => performance.now() - alone > 1_500);
    await Promise.all(stays.map(({ leave }) => leave()));
    await until('it is noticed', () => feed.events.some(({ type }) => type === 'source.down'));
    await never('anybody is checked out', 4_000, () => departures() > 0);
    expect(departures()).toBe(0);
  }, 60_000);
});
