import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeReport } from '../../src/demo/accounting-report.ts';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { UdpPeer } from '../support/udp-peer.ts';
import { never, until } from '../support/until.ts';

const OPEN_LONG_MS = 20_000;
const DAY_SECONDS = 86_400;
const seconds = () => Math.floor(Date.now() / 1_000);

describe('what reports say of the time', () => {
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

  test.each([
    { n: 1, name: 'Event-Timestamp at the epoch', said: { eventTimestamp: 0 }, flag: 'clockNotSet' },
    { n: 2, name: 'Event-Timestamp in 2099', said: { eventTimestamp: Date.UTC(2099, 0) / 1_000 }, flag: 'clockAhead' },
    { n: 3, name: 'Acct-Delay-Time of 136 years', said: { delaySeconds: 0xffff_ffff }, flag: 'delayTooLong' },
    {
      n: 4,
      name: 'Event-Timestamp at the epoch, and Acct-Delay-Time of 136 years',
      said: { eventTimestamp: 0, delaySeconds: 0xffff_ffff },
      flag: 'clockNotSet',
    },
  ])('T11: $name counts as the time of arrival, is recorded, and is flagged', async ({ n, said, flag }) => {
    const id = `times-${n}`;
    await registerPerson(service.api, { id, mac: documentationMac(n) });
    const session = nas.session({ mac: documentationMac(n) });
    const { sentAt } = await nas.send({ ...session.report('start'), ...said });
    const { data } = await feed.next('checkin.recorded', id);
    expect(Math.abs(Date.parse(String(data['startedAt'])) - sentAt)).toBeLessThan(1_000);
    await nas.send({ ...session.report('stop'), octets: 100, ...said });
    const gone = await feed.next('checkout.recorded', id, OPEN_LONG_MS);
    expect(Math.abs(Date.parse(String(gone.data['endedAt'])) - sentAt)).toBeLessThan(2_000);
    expect(await checkInsOf(service.api, id)).toHaveLength(1);
    expect(service.log).toContain(`"reason":"${flag}"`);
  });

  test('T19: yesterday’s Start, played again, is answered, counted as a replay, and checks nobody in', async () => {
    await registerPerson(service.api, { id: 'replayed', mac: documentationMac(200) });
    const yesterday = { ...nas.session({ mac: documentationMac(200) }).report('start') };
    await nas.send({ ...yesterday, eventTimestamp: seconds() - DAY_SECONDS - 3_600 });
    expect(await service.metric('rollcall_radius_requests_total', 'result="replay"')).toBe(1);
    await never('it checks in', 1_000, () => feed.count('presence.arrived', 'replayed') > 0);
    expect(await checkInsOf(service.api, 'replayed')).toEqual([]);
  });

  test('T19: a capture of this morning, played again from elsewhere, leaves the ledger as it was', async () => {
    await registerPerson(service.api, { id: 'captured', mac: documentationMac(201) });
    const secret = Buffer.from(service.radiusSecret);
    const began = seconds() - 3 * 3_600;
    const common = { mac: documentationMac(201), sessionId: 'captured-1' };
    const capture = [
      encodeReport({ ...common, status: 'start', eventTimestamp: began }, 1, secret),
      encodeReport(
        { ...common, status: 'stop', eventTimestamp: began + 60, durationSeconds: 60, octets: 9 },
        2,
        secret,
      ),
    ];
    for (let times = 0; times < 2; times += 1) {
      await using peer = await UdpPeer.open({ port: service.radiusPort });
      for (const packet of capture) {
        peer.send(packet);
        await peer.next();
      }
      // The Stop may correct a check-out that its Start alone has led to.
      await until('the ledger tells of the whole visit', async () => {
        const [checkIn] = await checkInsOf(service.api, 'captured');
        return checkIn?.state === 'closed' && checkIn.endedAt === new Date((began + 60) * 1_000).toISOString();
      });
    }
    const told = feed.events.length;
    await never('there is more to tell', 2_000, () => feed.events.length > told);
    expect(feed.count('checkin.recorded', 'captured')).toBe(1);
    expect(feed.count('checkout.recorded', 'captured')).toBe(1);
    expect(await checkInsOf(service.api, 'captured')).toHaveLength(1);
  });
});
