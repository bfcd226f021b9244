import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { Nas, type Session } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { never } from '../support/until.ts';

const OPEN_LONG_MS = 20_000;
/** Until long after the idle timeout of two seconds, so that what could come late has come. */
const QUIET_MS = 3_500;

describe.concurrent('T5: reports out of order', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;
  let nas: Nas;

  beforeAll(async () => {
    service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout: '2s' }] }));
    feed = opened.use(await service.sse());
    nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
  });
  afterAll(() => opened.disposeAsync());

  async function join(id: string, n: number): Promise<{ readonly mac: string; readonly session: Session }> {
    const mac = documentationMac(n);
    await registerPerson(service.api, { id, mac });
    return { mac, session: nas.session({ mac }) };
  }

  const states = async (id: string) => (await checkInsOf(service.api, id)).map(({ state }) => state);
  const departures = (id: string) => feed.count('checkout.recorded', id);

  test('T5: a Stop that comes before its Start is one visit, which the Start does not open again', async () => {
    const { session } = await join('stop-first', 1);
    const ended = Date.now();
    await nas.send({ ...session.report('stop'), octets: 900, durationSeconds: 60 });
    await nas.send({ ...session.report('start'), delaySeconds: 60 });
    const { data } = await feed.next('checkout.recorded', 'stop-first', OPEN_LONG_MS);
    expect(Math.abs(Date.parse(String(data['startedAt'])) - (ended - 60_000))).toBeLessThan(2_000);
    expect(Math.abs(Date.parse(String(data['endedAt'])) - ended)).toBeLessThan(1_000);
    await nas.send({ ...session.report('start'), delaySeconds: 63 });
    await never('it opens again', QUIET_MS, () => feed.count('checkin.recorded', 'stop-first') > 1);
    expect(await states('stop-first')).toEqual(['closed']);
    expect(departures('stop-first')).toBe(1);
  });

  test('T5: an Interim that comes after its Stop changes nothing', async () => {
    const { session } = await join('interim-last', 2);
    await session.start();
    await session.interims({ everyMs: 600, times: 3, octets: 1_000 });
    const late = { ...session.report('interim'), octets: 2_500, delaySeconds: 1 };
    await nas.send({ ...session.report('stop'), octets: 3_000 });
    const ended = Date.now();
    await nas.send(late);
    const { data } = await feed.next('checkout.recorded', 'interim-last', OPEN_LONG_MS);
    expect(Math.abs(Date.parse(String(data['endedAt'])) - ended)).toBeLessThan(1_500);
    await nas.send({ ...late, delaySeconds: 4 });
    await never('there is another visit', QUIET_MS, () => feed.count('checkin.recorded', 'interim-last') > 1);
    expect(await states('interim-last')).toEqual(['closed']);
    expect(departures('interim-last')).toBe(1);
  });

  test('T5: two Starts with different session ids are a roam, and one visit', async () => {
    const { mac, session } = await join('roaming', 3);
    const next = nas.session({ mac, accessPoint: '00-00-5E-00-53-F1' });
    await session.start();
    await next.start();
    await session.stop();
    await next.interims({ everyMs: 800, times: 4, octets: 1_000 });
    expect(departures('roaming')).toBe(0);
    await next.stop();
    await feed.next('checkout.recorded', 'roaming', OPEN_LONG_MS);
    expect(await states('roaming')).toEqual(['closed']);
    expect(feed.count('presence.arrived', 'roaming')).toBe(1);
  });

  test('T5: a session id that is used again after Accounting-On is another session', async () => {
    await using own = await Nas.open({ port: service.radiusPort, secret: service.radiusSecret });
    const { mac } = await join('reused', 4);
    const first = own.session({ mac, sessionId: '00000001' });
    await first.start();
    await first.interims({ everyMs: 300, times: 2, octets: 5_000 });
    const { data } = await feed.next('checkout.recorded', 'reused', OPEN_LONG_MS);
    await own.reset('accountingOn');
    // Within `rejoin`, activity in the same session would open the first visit again.
    const second = own.session({ mac, sessionId: '00000001' });
    await second.start();
    await second.interims({ everyMs: 300, times: 2, octets: 100 });
    await never('it is the old session', 1_500, () => feed.count('checkin.corrected', 'reused') > 0);
    expect(feed.count('checkin.recorded', 'reused')).toBe(2);
    const [, earlier] = await checkInsOf(service.api, 'reused');
    expect(earlier).toMatchObject({ id: data['id'], endedAt: data['endedAt'], state: 'closed' });
  });
});
