import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  for (const id of ['mia', 'noor']) {
    await world.call('PUT', `/v1/customers/${id}`, { body: { name: id } });
  }
});
afterEach(() => world[Symbol.asyncDispose]());

const put = (mac: string, body: object, token = 'platform') => world.call('PUT', `/v1/devices/${mac}`, { token, body });

test('a device is registered, read, listed, changed and forgotten', async () => {
  const made = await put('00-00-5E-00-53-01', { customerId: 'mia', name: 'Pixel', class: 'phone' });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^dev_/) as string,
    mac: '00-00-5E-00-53-01',
    random: false,
    vendor: 'ICANN, IANA Department',
    customerId: 'mia',
    name: 'Pixel',
    class: 'phone',
    createdAt: '2026-11-24T09:00:00.000Z',
    updatedAt: '2026-11-24T09:00:00.000Z',
  });
  const path = '/v1/devices/00-00-5E-00-53-01';
  const seen = { ...made.body, lastSeenAt: null };
  expect((await world.call('GET', path)).body).toEqual(seen);
  expect((await world.call('GET', '/v1/devices?customerId=mia')).body).toEqual({ items: [seen], nextCursor: null });
  expect((await world.call('GET', '/v1/devices')).body).toEqual({ items: [made.body], nextCursor: null });
  expect((await world.call('GET', '/v1/devices?customerId=noor')).body['items']).toEqual([]);

  world.clock.pass(1_000);
  const changed = await put('00-00-5E-00-53-01', { customerId: 'mia', name: null });
  expect(changed.status).toBe(200);
  expect(changed.body).toEqual({ ...made.body, name: null, updatedAt: '2026-11-24T09:00:01.000Z' });

  expect((await world.call('DELETE', path)).status).toBe(204);
  expect((await world.call('DELETE', path)).status).toBe(404);
  expect((await world.call('GET', path)).status).toBe(404);
});

test.each(['00:00:5e:00:53:02', '0000.5e00.5302', '00005E005302', '00-00-5e-00-53-02'])(
  'the spelling %s names the same device',
  async (spelling) => {
    await put('00-00-5E-00-53-02', { customerId: 'mia' });
    const { status, body } = await put(spelling, { customerId: 'mia', name: 'again' });
    expect([status, body['mac']]).toEqual([200, '00-00-5E-00-53-02']);
  },
);

test.each([
  ['00-00-5E-00-53', 'is not an address such as 00-00-5E-00-53-01'],
  ['phone', 'is not an address such as 00-00-5E-00-53-01'],
  ['00-00-00-00-00-00', 'no device has this address: it is all zero, multicast or broadcast'],
  ['FF-FF-FF-FF-FF-FF', 'no device has this address: it is all zero, multicast or broadcast'],
  ['01-00-5E-00-00-01', 'no device has this address: it is all zero, multicast or broadcast'],
])('the address %s is refused with the reason', async (mac, message) => {
  const { status, body } = await put(mac, { customerId: 'mia' });
  expect(status).toBe(400);
  expect(body['errors']).toEqual([{ path: 'mac', message }]);
});

test('a device of somebody else is a 409 that says whose, and moves once it was forgotten', async () => {
  await put('00-00-5E-00-53-01', { customerId: 'mia' });
  const taken = await put('00-00-5E-00-53-01', { customerId: 'noor' });
  expect([taken.status, taken.body['code'], taken.body['customerId']]).toEqual([409, 'deviceTaken', 'mia']);
  expect(taken.body['errors']).toEqual([{ path: 'mac', message: 'is registered to another customer' }]);
  expect(taken.text).not.toContain('00-00-5E');
  await world.call('DELETE', '/v1/devices/00-00-5E-00-53-01');
  expect((await put('00-00-5E-00-53-01', { customerId: 'noor' })).status).toBe(201);
});

test('an unknown customer is a 404 that names the field', async () => {
  const { status, body } = await put('00-00-5E-00-53-01', { customerId: 'nobody' });
  expect([status, body['code']]).toEqual([404, 'unknownCustomer']);
  expect(body['errors']).toEqual([{ path: 'customerId', message: 'there is no such customer' }]);
});

const seenBy = async (token: string | undefined) => {
  const options = token === undefined ? {} : { token };
  const one = await world.call('GET', '/v1/devices/02-00-5E-00-53-01', options);
  const list = await world.call('GET', '/v1/devices', options);
  return [one.body['mac'], (list.body['items'] as { mac: string }[])[0]?.mac];
};

test('whole addresses are shown to the admin and the platform, the last digits to everybody else', async () => {
  await put('02-00-5E-00-53-01', { customerId: 'mia' });
  const whole = ['02-00-5E-00-53-01', '02-00-5E-00-53-01'];
  const masked = ['••-••-••-••-53-01', '••-••-••-••-53-01'];
  expect(await seenBy(undefined)).toEqual(whole);
  expect(await seenBy('platform')).toEqual(whole);
  expect(await seenBy('frontdesk')).toEqual(masked);
  expect(await seenBy('viewer')).toEqual(masked);
  const echoed = await put('02-00-5E-00-53-01', { customerId: 'mia' }, 'frontdesk');
  expect(echoed.body).toMatchObject({ mac: '••-••-••-••-53-01', random: true });
});

test('an address is nowhere in the database as it is spelt', async () => {
  await put('00-00-5E-00-53-01', { customerId: 'mia' });
  const rows = await world.db.read.selectFrom('device_addresses').selectAll().execute();
  expect(JSON.stringify(rows)).not.toMatch(/00.?00.?5e.?00.?53.?01/i);
});

test('the list is paged to its end', async () => {
  for (const tail of ['01', '02', '03']) await put(`00-00-5E-00-53-${tail}`, { customerId: 'mia' });
  const first = await world.call('GET', '/v1/devices?limit=2');
  const second = await world.call('GET', `/v1/devices?limit=2&cursor=${String(first.body['nextCursor'])}`);
  const macs = [first, second].flatMap(({ body }) => (body['items'] as { mac: string }[]).map(({ mac }) => mac));
  expect(new Set(macs)).toEqual(new Set(['01', '02', '03'].map((tail) => `00-00-5E-00-53-${tail}`)));
  expect(second.body['nextCursor']).toBeNull();
});

test.each(['Pix\u202Eel', 'Pix\u001B[2Jel', 'Pix\u200Bel', 'Pix\u2028el'])(
  'the name %j is refused, for it would not be read as it stands',
  async (name) => {
    const { status, body } = await put('00-00-5E-00-53-01', { customerId: 'mia', name });
    expect(status).toBe(400);
    const message = 'must not contain control characters, invisible ones, or such as turn the direction of text';
    expect(body['errors']).toEqual([{ path: 'name', message }]);
  },
);

test('a name that another program could obey is kept as it is, and is JSON that no browser takes for a page', async () => {
  for (const name of ['=HYPERLINK("https://example.org")', '<img src=x onerror=alert(1)>']) {
    await put('00-00-5E-00-53-01', { customerId: 'mia', name });
    const { body, headers } = await world.call('GET', '/v1/devices/00-00-5E-00-53-01');
    expect(body['name']).toBe(name);
    expect(headers.get('content-type')).toContain('application/json');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
});
