import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventStream } from '../support/event-stream.ts';
import { ledgers } from '../support/ledgers.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, nameOf, registerPerson } from '../support/people.ts';
import { radclient } from '../support/radclient.ts';
import { Service } from '../support/service.ts';
import { never, until } from '../support/until.ts';

/** The stories of one venue with an idle timeout of three seconds; they run side by side, each with people of its own. */
const IDLE_MS = 4_000;
const SPACES = [
  { id: 'main', idleTimeout: '4s' },
  { id: 'quiet', idleTimeout: '4s', settle: '2s' },
  { id: 'members-only', idleTimeout: '4s', ssids: ['Members'] },
];
const OPEN_LONG_MS = 20_000;

type Presence = { readonly items: readonly { readonly customerId: string; readonly since: string }[] };
type CheckIns = { readonly items: readonly { readonly state: string; readonly startedAt: string }[] };
type Unregistered = { readonly items: readonly { readonly id: string; readonly address?: string }[] };

describe.each(ledgers)('joining the Wi-Fi checks in, being gone checks out ($name)', ({ open }) => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;
  let nas: Nas;
  let macs = 0;
  const newMac = () => documentationMac((macs += 1));

  beforeAll(async () => {
    const ledger = opened.use(await open());
    service = opened.use(await Service.start({ spaces: SPACES, ...ledger.config }));
    feed = opened.use(await service.sse());
    nas = opened.use(await openNas('127.0.0.1'));
  });
  afterAll(() => opened.disposeAsync());

  function openNas(address: string): Promise<Nas> {
    return Nas.open({ port: service.radiusPort, secret: service.radiusSecret, address });
  }

  async function join(id: string, options: { readonly pass?: boolean } = {}) {
    const mac = newMac();
    await registerPerson(service.api, { id, mac, ...options });
    return { mac, session: nas.session({ mac }) };
  }

  async function checkIns(id: string): Promise<CheckIns['items']> {
    return (await service.api.get<CheckIns>(`/v1/check-ins?customerId=${id}`)).items;
  }

  async function isPresent(id: string, spaceId = 'main'): Promise<boolean> {
    const { items } = await service.api.get<Presence>(`/v1/presence?spaceId=${spaceId}&limit=500`);
    return items.some(({ customerId }) => customerId === id);
  }

  test('a phone that joins checks its owner in at once, on the feed within 100 ms of the answer', async () => {
    const delays: number[] = [];
    for (const id of ['mia', 'noor', 'otis']) {
      const mac = newMac();
      await registerPerson(service.api, { id, mac });
      const answer = await radclient({
        port: service.radiusPort,
        secret: service.radiusSecret,
        attributes: {
          'Acct-Status-Type': 'Start',
          'Acct-Session-Id': `radclient-${id}`,
          'User-Name': id,
          'Calling-Station-Id': mac,
          'Called-Station-Id': '00-00-5E-00-53-F0:Members',
          'NAS-IP-Address': '192.0.2.1',
        },
      });
      expect(answer).toMatchObject({ answered: true, code: 'Accounting-Response' });
      const recorded = await feed.next('checkin.recorded', id);
      delays.push(recorded.receivedAt - answer.at);
      expect(recorded.data).toMatchObject({
        customerId: id,
        customerName: nameOf(id),
        spaceId: 'main',
        state: 'open',
        method: 'wifi',
      });
      expect(await isPresent(id)).toBe(true);
    }
    // The middle one of three, since tests share their machine with other tests.
    expect(delays.toSorted((a, b) => a - b)[1]).toBeLessThan(100);
  });

  describe.concurrent('side by side', () => {
    test('growing octets keep a customer in, the same octets do not, and the check-out tells the last activity', async () => {
      const { session } = await join('progress');
      await session.start();
      const active = await session.interims({ everyMs: 700, times: 7, octets: 5_000 });
      expect(feed.count('checkout.recorded', 'progress')).toBe(0);
      await session.interims({ everyMs: 700, times: 6, octets: 0 });
      const { data } = await feed.next('checkout.recorded', 'progress', OPEN_LONG_MS);
      const endedAt = Date.parse(String(data['endedAt']));
      expect(Math.abs(endedAt - active.sentAt)).toBeLessThan(1_000);
      expect(data['lastActivityAt']).toBe(data['endedAt']);
      const detectedAfter = Date.parse(String(data['detectedAt'])) - endedAt - IDLE_MS;
      expect(detectedAfter).toBeGreaterThanOrEqual(0);
      expect(detectedAfter).toBeLessThan(1_000);
      expect(data).toMatchObject({ state: 'closed', checkOutReason: 'idle' });
      await never('progress is checked out twice', 1_000, () => feed.count('checkout.recorded', 'progress') > 1);
      expect(feed.count('checkin.recorded', 'progress')).toBe(1);
      expect(await isPresent('progress')).toBe(false);
    });

    test('without a pass there is one failed check-in for the visit, and not one for each packet', async () => {
      const { mac, session } = await join('passless', { pass: false });
      await session.start();
      const { data } = await feed.next('checkin.failed', 'passless');
      expect(data).toMatchObject({ state: 'failed', failureReason: 'noPass' });
      await session.interims({ everyMs: 300, times: 6, octets: 1_000 });
      expect(feed.count('checkin.failed', 'passless')).toBe(1);
      expect(feed.count('checkin.recorded', 'passless')).toBe(0);
      await until('the visit is over', () => feed.count('presence.departed', 'passless') === 1, OPEN_LONG_MS);
      expect(feed.count('checkout.recorded', 'passless')).toBe(0);
      await nas.session({ mac }).start();
      await until('another visit fails anew', () => feed.count('checkin.failed', 'passless') === 2);
    });

    test('roaming is one visit, and the late Stop of the session left behind does not end it', async () => {
      const { mac } = await join('roamer');
      const first = nas.session({ mac, accessPoint: '00-00-5E-00-53-F1' });
      const second = nas.session({ mac, accessPoint: '00-00-5E-00-53-F2' });
      await first.start();
      await second.start();
      await second.interim(1_000);
      await first.stop();
      await second.interims({ everyMs: 800, times: 6, octets: 1_000 });
      expect(feed.count('checkout.recorded', 'roamer')).toBe(0);
      await second.stop();
      await feed.next('checkout.recorded', 'roamer', OPEN_LONG_MS);
      expect(await checkIns('roamer')).toHaveLength(1);
      expect(feed.count('checkin.recorded', 'roamer')).toBe(1);
    });

    test('a Stop starts the idle timeout, and coming back within it is the same visit', async () => {
      const { mac, session } = await join('returner');
      await session.start();
      await session.stop();
      await never('a Stop checks out', 1_500, () => feed.count('checkout.recorded', 'returner') > 0);
      await nas.session({ mac }).start();
      await feed.next('checkout.recorded', 'returner', OPEN_LONG_MS);
      expect(await checkIns('returner')).toHaveLength(1);
    });

    test('one active device of several keeps its owner in', async () => {
      const { session } = await join('two-devices');
      const laptop = newMac();
      await service.api.put(`/v1/devices/${laptop}`, { customerId: 'two-devices', class: 'laptop' });
      await session.start();
      const other = nas.session({ mac: laptop });
      await other.start();
      await other.interims({ everyMs: 800, times: 6, octets: 1_000 });
      expect(feed.count('checkout.recorded', 'two-devices')).toBe(0);
      const { data } = await feed.next('checkout.recorded', 'two-devices', OPEN_LONG_MS);
      expect(data['devices']).toHaveLength(2);
      expect(feed.count('checkin.recorded', 'two-devices')).toBe(1);
    });

    test('a device known by its user name alone checks its owner in', async () => {
      await service.api.put('/v1/customers/named', { name: 'named', identities: ['named@example.org'] });
      await service.api.post('/v1/customers/named/passes', { kind: 'unlimited' });
      await nas.session({ mac: '02-00-5E-00-00-01', userName: 'Named@Example.ORG' }).start();
      const { data } = await feed.next('checkin.recorded', 'named');
      expect(data).toMatchObject({ spaceId: 'main', state: 'open' });
    });

    test('a packet that comes several times has one effect', async () => {
      const { mac } = await join('repeated');
      const session = nas.session({ mac });
      for (let times = 0; times < 5; times += 1) nas.sendOnce(session.report('start'), 200);
      await session.start();
      await feed.next('checkin.recorded', 'repeated');
      await session.interim(100);
      expect(await checkIns('repeated')).toHaveLength(1);
      expect(feed.count('presence.arrived', 'repeated')).toBe(1);
    });

    test('where settling takes two seconds, a passer-by never arrives, and who stays arrived when first seen', async () => {
      await using access = await openNas('127.0.0.2');
      const passing = newMac();
      const staying = newMac();
      await registerPerson(service.api, { id: 'passer-by', mac: passing });
      await registerPerson(service.api, { id: 'stayer', mac: staying });
      const passer = access.session({ mac: passing });
      await passer.start();
      await passer.stop();
      const stayer = access.session({ mac: staying });
      const first = await stayer.start();
      await stayer.interims({ everyMs: 600, times: 5, octets: 1_000 });
      const { data } = await feed.next('checkin.recorded', 'stayer');
      expect(data['spaceId']).toBe('quiet');
      expect(Math.abs(Date.parse(String(data['startedAt'])) - first.sentAt)).toBeLessThan(1_000);
      await feed.next('checkout.recorded', 'stayer', OPEN_LONG_MS);
      expect(await checkIns('passer-by')).toEqual([]);
    });

    test('only the SSIDs of the space count', async () => {
      await using access = await openNas('127.0.0.3');
      const mac = newMac();
      await registerPerson(service.api, { id: 'choosy', mac });
      await access.session({ mac, ssid: 'Guests' }).start();
      await never('the guest network checks in', 500, () => feed.count('checkin.recorded', 'choosy') > 0);
      await access.session({ mac, ssid: 'Members' }).start();
      const { data } = await feed.next('checkin.recorded', 'choosy');
      expect(data['spaceId']).toBe('members-only');
    });

    test('an unknown device is listed without its address, and assigning it checks its owner in at once', async () => {
      await service.api.put('/v1/customers/newcomer', { name: 'newcomer' });
      await service.api.post('/v1/customers/newcomer/passes', { kind: 'unlimited' });
      const mac = newMac();
      const session = nas.session({ mac });
      await session.start();
      const { items } = await until('the device is listed', async () => {
        const list = await service.api.get<Unregistered>('/v1/devices/unregistered?spaceId=main');
        return list.items.length > 0 && list;
      });
      expect(JSON.stringify(items).toUpperCase()).not.toContain(mac);
      await service.api.post(`/v1/devices/unregistered/${items[0]?.id}/assign`, {
        customerId: 'newcomer',
        class: 'phone',
      });
      await feed.next('checkin.recorded', 'newcomer', 1_000);
    });

    test('registering the address of a device that is present checks its owner in at once', async () => {
      await service.api.put('/v1/customers/late', { name: 'late' });
      await service.api.post('/v1/customers/late/passes', { kind: 'unlimited' });
      await using access = await openNas('127.0.0.3');
      const mac = newMac();
      await access.session({ mac }).start();
      await service.api.put(`/v1/devices/${mac}`, { customerId: 'late', class: 'phone' });
      const { data } = await feed.next('checkin.recorded', 'late', 1_000);
      expect(data).toMatchObject({ spaceId: 'members-only', state: 'open' });
    });
  });
});
