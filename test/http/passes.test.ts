import { afterAll, beforeAll, expect, test } from 'vitest';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await addCustomer(world, 'mia');
});
afterAll(() => world[Symbol.asyncDispose]());

const add = (body: object, customerId = 'mia') => world.call('POST', `/v1/customers/${customerId}/passes`, { body });

test('a pass is given, listed and revoked', async () => {
  const limits = { validFrom: '2026-11-01T00:00:00+01:00', validUntil: '2026-12-01T00:00:00.000Z', spaceIds: ['HQ'] };
  const { status, body } = await add({ kind: 'unlimited', ...limits });
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.any(String) as string,
    customerId: 'mia',
    kind: 'unlimited',
    validFrom: '2026-10-31T23:00:00.000Z',
    validUntil: '2026-12-01T00:00:00.000Z',
    spaceIds: ['hq'],
    createdAt: '2026-11-24T09:00:00.000Z',
  });
  expect((await world.call('GET', '/v1/customers/mia/passes')).body).toEqual({ items: [body], nextCursor: null });
  const path = `/v1/passes/${String(body['id'])}`;
  const revoked = await world.call('DELETE', path);
  expect([revoked.status, revoked.text]).toEqual([204, '']);
  expect((await world.call('DELETE', path)).status).toBe(404);
  expect((await world.call('GET', '/v1/customers/mia/passes')).body['items']).toEqual([]);
});

test.each([
  [{ kind: 'days' }, 'kind', 'only passes of the kind "unlimited" are available in this version'],
  [{ kind: 'unlimited', amount: 3 }, 'amount', 'is not available in this version'],
  [{ kind: 'unlimited', spaceIds: ['hq', 'moon'] }, 'spaceIds.1', 'there is no such space'],
  [
    { kind: 'unlimited', validFrom: '2026-12-01T00:00:00Z', validUntil: '2026-11-01T00:00:00Z' },
    'validUntil',
    'must be later than validFrom',
  ],
])('the pass %j is refused by the name of the field', async (body, path, message) => {
  expect((await add(body)).body['errors']).toEqual([{ path, message }]);
});

test('nobody has no passes', async () => {
  expect((await add({ kind: 'unlimited' }, 'nobody')).status).toBe(404);
  expect((await world.call('GET', '/v1/customers/nobody/passes')).status).toBe(404);
});
