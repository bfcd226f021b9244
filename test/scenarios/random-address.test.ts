import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

type Device = { readonly id: string; readonly mac: string; readonly customerId: string };
type Page<Item> = { readonly items: readonly Item[] };

describe.concurrent('phones that make their addresses up', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;
  let nas: Nas;
  let other: Nas;

  beforeAll(async () => {
    service = opened.use(
      await Service.start({
        spaces: [{ id: 'main', idleTimeout: '2s', identities: { stripRealms: ['example.org'] } }],
        config: { devices: { quota: 2 } },
      }),
    );
    feed = opened.use(await service.sse());
    const { radiusPort: port, radiusSecret: secret } = service;
    nas = opened.use(await Nas.open({ port, secret }));
    other = opened.use(await Nas.open({ port, secret, nasAddress: '192.0.2.11' }));
  });
  afterAll(() => opened.disposeAsync());

  async function member(id: string): Promise<void> {
    await service.api.put(`/v1/customers/${id}`, { name: id, identities: [id] });
    await service.api.post(`/v1/customers/${id}/passes`, { kind: 'unlimited' });
  }

  const devicesOf = async (id: string) =>
    (await service.api.get<Page<Device>>(`/v1/devices?customerId=${id}`)).items.map(({ mac }) => mac);

  test.each([
    { id: 'rotates', how: 'and says goodbye each time', stops: true },
    { id: 'vanishes', how: 'and just vanishes', stops: false },
  ])('one person on three addresses in turn, $how: one visit at a time, one device', async ({ id, stops }) => {
    await member(id);
    const macs = [1, 2, 3].map((n) => crowdMac(n + (stops ? 0x100 : 0x200)));
    for (const mac of macs) {
      const session = nas.session({ mac, userName: `${id}@Example.org` });
      await session.start();
      await session.interim(1_000);
      if (stops) await session.stop();
      else
        await until('the phone is taken for the same', async () => {
          await session.interim(1_000);
          return (await devicesOf(id))[0] === mac;
        });
      expect(await devicesOf(id)).toEqual([mac]);
    }
    await feed.next('checkout.recorded', id, 10_000);
    const checkIns = await checkInsOf(service.api, id);
    expect(checkIns).toHaveLength(1);
    const [device] = (await service.api.get<Page<Device>>(`/v1/devices?customerId=${id}`)).items;
    expect(checkIns[0]).toMatchObject({ state: 'closed', devices: [device?.id] });
    const relinked = feed.events.filter(({ type, data }) => type === 'device.relinked' && data['customerId'] === id);
    expect(relinked.map(({ data }) => data)).toMatchObject(
      [1, 2].map(() => ({ deviceId: device?.id, reason: 'newAddress', evidence: 'userName', spaceId: 'main' })),
    );
    const why = JSON.stringify(await service.api.get(`/v1/why?customerId=${id}`));
    expect(why).toContain('relinked.newAddress');
  });

  test('two phones at once are two devices, and a third is one too many: it counts, and is not registered', async () => {
    await member('gadgets');
    const sessions = [1, 2, 3].map((n) => other.session({ mac: crowdMac(n + 0x300), userName: 'gadgets' }));
    for (const session of sessions) await session.start();
    await until('two devices are told apart', async () => {
      for (const session of sessions) await session.interim(1_000);
      return (await devicesOf('gadgets')).length === 2;
    });
    for (let round = 0; round < 5; round += 1) for (const session of sessions) await session.interim(1_000);
    expect(await devicesOf('gadgets')).toHaveLength(2);
    expect(feed.count('device.relinked', 'gadgets')).toBe(0);
    for (const session of sessions) await session.stop();
    await feed.next('checkout.recorded', 'gadgets', 10_000);
    expect(feed.count('checkin.recorded', 'gadgets')).toBe(1);
  });
});
