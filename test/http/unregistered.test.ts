import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseMacAddress } from '../../src/observation/mac-address.ts';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  // Redis forgets them a day later by its own time.
  world = await openWorld({ now: Date.now() });
  await addCustomer(world, 'mia');
});
afterEach(() => world[Symbol.asyncDispose]());

async function see(spelling: string, spaceId = 'hq'): Promise<void> {
  const station = parseMacAddress(spelling);
  if (station === undefined) throw new Error(`${spelling} is not an address`);
  const observation = {
    sourceId: 'aps',
    spaceId,
    kind: 'associated',
    at: world.clock.now(),
    station,
    ssid: 'Members',
  } as const;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  world.unregistered.note(observation, station, resolve);
  expect(await promise).toBe('recorded');
}

async function list(query = '', token = 'frontdesk') {
  const { body } = await world.call('GET', `/v1/devices/unregistered${query}`, { token });
  return body['items'] as { id: string; mac: string; spaceId: string; random: boolean }[];
}

test('devices that nobody registered are listed latest first, by their last digits, to the admin too', async () => {
  await see('00-00-5E-00-53-01');
  const lastSeenAt = new Date(world.clock.now()).toISOString();
  world.clock.pass(1_000);
  await see('02-00-5E-00-53-02', 'annex');
  const items = await list();
  expect(items.map(({ mac, spaceId, random }) => [mac, spaceId, random])).toEqual([
    ['••-••-••-••-53-02', 'annex', true],
    ['••-••-••-••-53-01', 'hq', false],
  ]);
  const answer = await world.call('GET', '/v1/devices/unregistered?spaceId=hq');
  expect(answer.text).not.toContain('00-00-5E');
  expect(answer.body['items']).toMatchObject([
    { sourceId: 'aps', ssid: 'Members', vendor: 'ICANN, IANA Department', hostname: null, lastSeenAt },
  ]);
});

test('one of them is assigned to a customer, once, however often it is asked for with the same key', async () => {
  await see('00-00-5E-00-53-01');
  const [{ id } = { id: '' }] = await list();
  const assign = (key: string, customerId = 'mia') =>
    world.call('POST', `/v1/devices/unregistered/${id}/assign`, {
      body: { customerId, name: 'Pixel', class: 'phone' },
      headers: { 'idempotency-key': key },
    });
  expect((await assign('k0', 'nobody')).body).toMatchObject({ status: 404, code: 'unknownCustomer' });
  const first = await assign('k1');
  expect(first.status).toBe(201);
  expect(first.body).toMatchObject({ customerId: 'mia', mac: '00-00-5E-00-53-01', name: 'Pixel', class: 'phone' });
  await world.unregistered.forget(id);
  expect((await assign('k1')).body).toEqual(first.body);
  expect((await assign('k2')).status).toBe(404);
});

test('a token that belongs to a space neither sees nor assigns those of another', async () => {
  await see('00-00-5E-00-53-01', 'hq');
  const [{ id } = { id: '' }] = await list();
  expect(await list('', 'annexDesk')).toEqual([]);
  const assigned = await world.call('POST', `/v1/devices/unregistered/${id}/assign`, {
    token: 'annexDesk',
    body: { customerId: 'mia' },
  });
  expect(assigned.status).toBe(404);
});
