import { afterAll, beforeAll, expect, test } from 'vitest';
import { putCustomer } from '../../src/identity/customers.ts';
import { putDevice } from '../../src/identity/devices.ts';
import { addCustomer } from './people.ts';
import { at, openMeWorld, phone, type MeWorld } from './me-world.ts';

let world: MeWorld;
beforeAll(async () => {
  world = await openMeWorld();
  await putCustomer(world.ports.registry, 'member', { name: 'Mia Example', identities: ['mia@example.org'] });
  world.stations.set('192.0.2.21', at(phone));
});
afterAll(() => world[Symbol.asyncDispose]());

const me = (path = '') => world.call('GET', `/v1/me${path}`, { token: 'member' });

test('a member sees who they are, and where', async () => {
  await putDevice(world.ports.registry, phone, { customerId: 'member' });
  expect((await me()).body).toEqual({
    id: 'member',
    name: 'Mia Example',
    identities: 1,
    optedIn: null,
    devices: 1,
    presence: [],
  });
  const opened = await world.call('POST', '/v1/check-ins', { body: { customerId: 'member', spaceId: 'annex' } });
  await addCustomer(world, 'noor');
  await world.call('POST', '/v1/check-ins', { body: { customerId: 'noor', spaceId: 'annex' } });
  const now = '2026-11-24T09:00:00.000Z';
  expect((await me()).body['presence']).toEqual([{ spaceId: 'annex', since: now, lastActivityAt: now, seen: true }]);
  world.clock.pass(1_000);
  await world.call('POST', `/v1/check-ins/${String(opened.body['id'])}/check-out`);
  expect((await me()).body['presence']).toEqual([]);
  world.clock.pass(59_000);
});

test('why is answered for the member alone, and at another moment', async () => {
  const opened = await world.call('POST', '/v1/check-ins', { body: { customerId: 'member', spaceId: 'annex' } });
  world.clock.pass(60_000);
  await world.call('POST', `/v1/check-ins/${String(opened.body['id'])}/check-out`);
  world.clock.pass(600_000);
  const isIn = async (query: string) => {
    const { body } = await me(`/why${query}`);
    expect(body['customerId']).toBe('member');
    return (body['spaces'] as { spaceId: string; isIn: boolean }[]).find(({ spaceId }) => spaceId === 'annex')?.isIn;
  };
  expect(await isIn('')).toBe(false);
  expect(await isIn('?at=2026-11-24T09:01:30.000Z')).toBe(true);
  expect((await me('/why?customerId=noor')).status).toBe(400);
});

test('a member who has not opted in is told so', async () => {
  await putCustomer(world.ports.registry, 'member', { name: 'Mia Example', optedIn: false });
  expect((await me()).body).toMatchObject({ optedIn: false });
  expect((await me('/why')).body).toMatchObject({ counts: expect.stringContaining('opted in') as string });
});

test('nothing of a claim is logged that names a device', async () => {
  await world.from('192.0.2.21', 'POST', '/v1/me/devices', { body: { name: 'Pixel' } });
  await world.from('192.0.2.21', 'PATCH', `/v1/me/devices/${phone}`, { body: { name: 'Other' } });
  await world.from('192.0.2.21', 'DELETE', `/v1/me/devices/${phone}`);
  expect(world.log()).not.toMatch(/02-00-5E|Pixel|192\.0\.2\.21|Mia/i);
});

test('an admin has nothing of their own', async () => {
  for (const path of ['', '/why', '/devices', '/devices/this']) {
    expect(await world.call('GET', `/v1/me${path}`)).toMatchObject({ status: 404, body: { code: 'noMember' } });
  }
});
