import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { createToken } from '../../src/identity/tokens.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { ip, TestNetwork, type Call, type NetDevice } from '../support/network.ts';
import { radclient } from '../support/radclient.ts';
import { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

/**
 * Members claim the device they hold, over a real network: a bridge with a real dnsmasq, devices with network stacks of their
 * own and a real DHCP client, and the real command.
 */
const opened = new AsyncDisposableStack();
let network: TestNetwork;
let service: Service;
/** Why this machine cannot run these stories. */
let refusal: string | undefined;
const tokens = new Map<string, string>();

beforeAll(async () => {
  const made = await TestNetwork.open();
  if (typeof made === 'string') {
    refusal = made;
    return;
  }
  network = opened.use(made);
  // dnsmasq makes its file in the directory of the service, which goes when the service does.
  const file = join('data', '..', 'dnsmasq.leases');
  const leases = { id: 'leases', type: 'dhcp', space: 'main', format: 'dnsmasq', file, poll: '200ms' };
  service = opened.use(
    await Service.start({
      httpHost: network.hostAddress,
      sources: [leases],
      spaces: [{ id: 'main', idleTimeout: '60s', requirePass: false }],
    }),
  );
  await network.serveAddresses(join(service.dir, 'dnsmasq.leases'));
  const place = { dataDir: service.dataDir };
  await using db = await openDatabase(place, { migrate: false, clock: systemClock, onError: () => undefined });
  for (const id of ['mia', 'noor', 'otis', 'rio', 'zoe']) {
    await service.api.put(`/v1/customers/${id}`, { name: id });
    const { token } = await createToken(db, systemClock, { role: 'member', name: id, customerId: id });
    tokens.set(id, token);
  }
});
afterAll(() => opened.disposeAsync());

function needsNetwork({ skip }: TestContext): void {
  if (refusal === undefined) return;
  process.stderr.write(`skipped: ${refusal}\n`);
  skip(refusal);
}

function as(id: string, device: NetDevice, method: string, path: string, more: Partial<Call> = {}) {
  const headers = { authorization: `Bearer ${tokens.get(id)}`, ...more.headers };
  return device.call({ ...more, url: `${service.httpUrl}${path}`, method, headers });
}

const claim = (id: string, device: NetDevice, more: Partial<Call> = {}) =>
  as(id, device, 'POST', '/v1/me/devices', { body: {}, ...more });

async function account(status: 'Start' | 'Stop', session: string, mac: string, more: Record<string, string> = {}) {
  const attributes = {
    'Acct-Status-Type': status,
    'Acct-Session-Id': session,
    'Calling-Station-Id': mac,
    'NAS-IP-Address': '192.0.2.10',
    ...more,
  };
  const { answered } = await radclient({ port: service.radiusPort, secret: service.radiusSecret, attributes });
  expect(answered).toBe(true);
}

async function isIn(id: string): Promise<boolean> {
  const { items } = await service.api.get<{ items: { customerId: string }[] }>('/v1/presence?spaceId=main');
  return items.some(({ customerId }) => customerId === id);
}

test('a member claims the phone in their hand, and it checks them in; nobody else can claim it', async (context) => {
  needsNetwork(context);
  const phone = await network.plugIn('mia', '02-00-5E-00-53-01');
  const address = await phone.askForAddress('mias-phone');
  expect(await as('mia', phone, 'GET', '/v1/me/devices/this')).toMatchObject({
    status: 200,
    body: { known: true, mac: '••-••-••-••-53-01', random: true, registered: 'no' },
  });

  await until('the lease is seen', async () => {
    const { items } = await service.api.get<{ items: { id: string; observations: number }[] }>('/v1/sources');
    return items.some(({ id, observations }) => id === 'leases' && observations > 0);
  });

  const thief = await network.plugIn('noor', '02-00-5E-00-53-02');
  await thief.askForAddress('noors-phone');
  expect(await claim('noor', thief, { headers: { 'x-forwarded-for': address } })).toMatchObject({
    status: 422,
    body: { code: 'deviceUnknown', reason: 'untrustedProxy' },
  });
  expect(await claim('noor', thief, { body: { mac: phone.mac } })).toMatchObject({
    status: 400,
    body: { code: 'invalidRequest', errors: [{ path: 'mac' }] },
  });

  expect(await claim('mia', phone, { body: { name: 'Mine', class: 'phone' } })).toMatchObject({
    status: 201,
    body: { mac: phone.mac, thisDevice: true },
  });
  await account('Start', 'mia-1', phone.mac);
  await until('mia is checked in', () => isIn('mia'));

  // Whoever takes the address of a phone that is away has the address, and not the phone: its lease goes on.
  await phone.inside('ip', 'link', 'set', 'eth0', 'down');
  await thief.inside('ip', 'addr', 'flush', 'dev', 'eth0');
  await thief.inside('ip', 'addr', 'add', `${address}/28`, 'dev', 'eth0');
  await ip('neigh', 'flush', 'dev', network.name);
  expect(await claim('noor', thief)).toMatchObject({
    status: 422,
    body: { code: 'deviceUnknown', reason: 'ambiguous' },
  });
  expect((await as('noor', thief, 'GET', '/v1/me/devices')).body['items']).toEqual([]);
});

test('a phone that is registered to somebody else is not given away, and whose it is is not told', async (context) => {
  needsNetwork(context);
  const phone = await network.plugIn('zoe', '02-00-5E-00-53-05', 11);
  await service.api.put(`/v1/devices/${phone.mac}`, { customerId: 'otis' });
  const answer = await claim('zoe', phone);
  expect(answer).toMatchObject({ status: 409, body: { code: 'deviceTaken' } });
  expect(JSON.stringify(answer)).not.toContain('otis');
});

test('a lease that is asked for checks the owner of the device in, and one that is given back is seen to be', async (context) => {
  needsNetwork(context);
  const device = await network.plugIn('guest', '02-00-5E-00-53-06');
  await service.api.put(`/v1/devices/${device.mac}`, { customerId: 'zoe' });
  const told = (kind: string) => service.metric('rollcall_observations_total', 'source="leases"', `kind="${kind}"`);
  const [joined, left] = [await told('associated'), await told('left')];
  const client = device.keepAddress();
  await until('the lease is seen', async () => (await told('associated')) === joined + 1);
  await until('zoe is checked in', () => isIn('zoe'));
  await client.stop();
  await until('it is seen to be given back', async () => (await told('left')) === left + 1);
  // As after a Stop, the idle timeout decides.
  expect(await isIn('zoe')).toBe(true);
});

test('without a lease, the neighbour table of this machine knows the device', async (context) => {
  needsNetwork(context);
  const laptop = await network.plugIn('otis', '02-00-5E-00-53-03', 12);
  expect(await claim('otis', laptop, { body: { class: 'laptop' } })).toMatchObject({
    status: 201,
    body: { mac: laptop.mac },
  });
});

test('behind a router, Framed-IP-Address alone knows the device, until its session ends', async (context) => {
  needsNetwork(context);
  const { routedAddress } = network;
  // The router and the device behind it in one: the machine knows it as a gateway, and its inner address not at all.
  const device = await network.plugIn('rio', '02-00-5E-00-53-04', 13);
  await device.inside('sh', '-c', 'echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce');
  await device.inside('ip', 'addr', 'add', `${routedAddress}/32`, 'dev', 'lo');
  await ip('route', 'add', `${routedAddress}/32`, 'via', network.address(13), 'dev', network.name);
  const localAddress = routedAddress;
  expect(await claim('rio', device, { localAddress })).toMatchObject({
    status: 422,
    body: { code: 'deviceUnknown', reason: 'unknownAddress' },
  });
  expect(await claim('rio', device)).toMatchObject({ status: 409, body: { code: 'deviceShared' } });

  const inner = '02-00-5E-00-53-14';
  await account('Start', 'rio-1', inner, { 'Framed-IP-Address': routedAddress });
  expect(await claim('rio', device, { localAddress })).toMatchObject({ status: 201, body: { mac: inner } });
  // It is here now, so it has checked its owner in.
  await until('rio is checked in', () => isIn('rio'));
  await account('Stop', 'rio-1', inner, { 'Framed-IP-Address': routedAddress });
  const after = await as('rio', device, 'GET', '/v1/me/devices/this', { localAddress });
  expect(after.body).toMatchObject({ known: false, reason: 'unknownAddress' });
});

test('no address of a device is in the log of the service', (context) => {
  needsNetwork(context);
  expect(service.log).not.toMatch(/02.00.5E.00.53/i);
  expect(service.log).not.toContain(network.prefix + network.address(4).split('.').at(-1));
});
