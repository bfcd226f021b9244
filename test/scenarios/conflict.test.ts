import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { Nas, type Session } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const OPEN_LONG_MS = 10_000;

describe.concurrent('T20: one address for two', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;
  let first: Nas;
  let second: Nas;
  let annex: Nas;

  beforeAll(async () => {
    service = opened.use(
      await Service.start({
        spaces: [
          { id: 'main', idleTimeout: '2s' },
          { id: 'annex', idleTimeout: '2s' },
        ],
      }),
    );
    feed = opened.use(await service.sse());
    const accessPoint = async (nasAddress: string, address = '127.0.0.1'): Promise<Nas> => {
      const { radiusPort: port, radiusSecret: secret } = service;
      const nas = opened.use(await Nas.open({ port, secret, address, nasAddress }));
      await nas.reset('accountingOn');
      return nas;
    };
    first = await accessPoint('192.0.2.11');
    second = await accessPoint('192.0.2.12');
    annex = await accessPoint('192.0.2.21', '127.0.0.2');
  });
  afterAll(() => opened.disposeAsync());

  async function join(id: string, n: number): Promise<{ readonly mac: string; readonly deviceId: string }> {
    const mac = documentationMac(n);
    await registerPerson(service.api, { id, mac });
    const { id: deviceId } = await service.api.get<{ readonly id: string }>(`/v1/devices/${mac}`);
    return { mac, deviceId };
  }

  async function inTurn(...sessions: readonly Session[]): Promise<void> {
    for (let round = 0; round < 8; round += 1) for (const session of sessions) await session.interim(1_000);
  }

  const shown = async (id: string) =>
    (await checkInsOf(service.api, id)).map(({ state, spaceId }) => `${state} in ${spaceId}`);

  const conflicts = () => feed.events.filter(({ type }) => type === 'device.conflict').map(({ data }) => data);

  test('T20: an address that goes on in turn at two access points is one visit, and a conflict', async () => {
    const { mac, deviceId } = await join('everywhere', 1);
    const here = first.session({ mac });
    const there = second.session({ mac });
    await here.start();
    await there.start();
    await inTurn(here, there);
    await feed.next('device.conflict', 'everywhere');
    expect(await shown('everywhere')).toEqual(['open in main']);
    await inTurn(here, there);
    await here.stop();
    await there.stop();
    await feed.next('checkout.recorded', 'everywhere', OPEN_LONG_MS);
    expect(await shown('everywhere')).toEqual(['closed in main']);
    expect(feed.count('presence.arrived', 'everywhere')).toBe(1);
    const told = conflicts().filter((data) => data['customerId'] === 'everywhere');
    expect(told).toMatchObject([{ spaceId: 'main', deviceId, kind: 'twoPlaces', registeredTo: null }]);
    expect(told[0]?.['accessPoints']).toHaveLength(2);
    expect(told[0]?.['accessPoints']).toEqual(expect.arrayContaining(['192.0.2.11', '192.0.2.12']));
  });

  test('T20: an address in two spaces at once is in the one it came to last, and a conflict', async () => {
    const { mac, deviceId } = await join('torn', 2);
    const here = first.session({ mac });
    const there = annex.session({ mac });
    await here.start();
    await here.interim(1_000);
    await there.start();
    await inTurn(here, there);
    await feed.next('device.conflict', 'torn');
    // Only a timer ends a visit, so the one in the annex may be told first.
    const left = await feed.next('checkout.recorded', 'torn');
    expect(left.data).toMatchObject({ spaceId: 'main', checkOutReason: 'transfer' });
    expect(await shown('torn')).toEqual(['open in annex', 'closed in main']);
    await inTurn(here, there);
    await here.stop();
    await there.stop();
    const isOver = async () => (await shown('torn')).every((line) => line.startsWith('closed'));
    await until('nobody is in', isOver, OPEN_LONG_MS);
    expect(await shown('torn')).toEqual(['closed in annex', 'closed in main']);
    expect(feed.count('presence.arrived', 'torn')).toBe(2);
    expect(conflicts().filter((data) => data['customerId'] === 'torn')).toMatchObject([
      { spaceId: 'main', deviceId, kind: 'twoPlaces', accessPoints: ['192.0.2.11'] },
    ]);
  });

  test('T20: the address of one member with the User-Name of another counts for the User-Name, and is a conflict', async () => {
    const { mac, deviceId } = await join('owner', 3);
    await service.api.put('/v1/customers/guest', { name: 'guest', identities: ['guest@example.org'] });
    await service.api.post('/v1/customers/guest/passes', { kind: 'unlimited' });
    const own = first.session({ mac });
    const cloned = second.session({ mac, userName: 'Guest@example.org' });
    const roamed = first.session({ mac, userName: 'guest@example.org' });
    await own.start();
    await cloned.start();
    await feed.next('device.conflict', 'guest');
    await inTurn(own, cloned);
    await roamed.start();
    await cloned.stop();
    await inTurn(own, roamed);
    for (const id of ['owner', 'guest']) expect(await shown(id)).toEqual(['open in main']);
    await own.stop();
    await roamed.stop();
    for (const id of ['owner', 'guest']) {
      await feed.next('checkout.recorded', id, OPEN_LONG_MS);
      expect(await shown(id)).toEqual(['closed in main']);
      expect(feed.count('presence.arrived', id)).toBe(1);
    }
    expect(feed.count('device.conflict', 'owner')).toBe(0);
    expect(conflicts().filter((data) => data['customerId'] === 'guest')).toMatchObject([
      { spaceId: 'main', deviceId, kind: 'twoCustomers', registeredTo: 'owner', accessPoints: ['192.0.2.12'] },
    ]);
    const open = await openConflicts();
    expect(open).toContainEqual(
      expect.objectContaining({ kind: 'identity', registeredTo: 'owner', claimedBy: 'guest' }),
    );
  });

  type Conflict = { readonly id: string; readonly registeredTo: string; readonly claimedBy: string };
  const openConflicts = async () =>
    (await service.api.get<{ readonly items: readonly Conflict[] }>('/v1/devices/conflicts')).items;

  test('T20: an address that two want to register stays the first one’s, until an admin gives it to the other', async () => {
    const { mac } = await join('first', 4);
    await service.api.put('/v1/customers/second', { name: 'second' });
    for (let times = 0; times < 2; times += 1) {
      const refused = await service.api.request('PUT', `/v1/devices/${mac}`, { customerId: 'second' });
      expect(refused).toMatchObject({ status: 409, body: { code: 'deviceTaken' } });
    }
    const told = conflicts().filter((data) => data['kind'] === 'claim' && data['claimedBy'] === 'second');
    expect(told).toMatchObject([{ customerId: 'first', registeredTo: 'first', spaceId: null }]);
    const conflict = (await openConflicts()).find(({ claimedBy }) => claimedBy === 'second');
    await service.api.post(`/v1/devices/conflicts/${conflict?.id}/settle`, { settlement: 'claimant' });
    expect(await service.api.get(`/v1/devices/${mac}`)).toMatchObject({ customerId: 'second', name: null });
    expect((await openConflicts()).filter(({ claimedBy }) => claimedBy === 'second')).toEqual([]);
  });
});
