import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const put = (id: string, body: object) => world.call('PUT', `/v1/customers/${id}`, { token: 'platform', body });

const mia = {
  name: 'Mia Example',
  email: 'mia@example.org',
  identities: ['mia@example.org', 'Mia.Laptop'],
  active: true,
  optedIn: true,
};

test('a customer is made, read, listed and changed; what a change leaves out stays', async () => {
  const made = await put('mia', mia);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    id: 'mia',
    name: 'Mia Example',
    email: 'mia@example.org',
    active: true,
    optedIn: true,
  });
  expect(made.body['createdAt']).toBe('2026-11-24T09:00:00.000Z');
  expect((made.body['identities'] as string[]).map((each) => each.toLowerCase())).toEqual(
    expect.arrayContaining(['mia@example.org', 'mia.laptop']),
  );
  expect((await world.call('GET', '/v1/customers/mia', { token: 'viewer' })).body).toEqual(made.body);
  expect((await world.call('GET', '/v1/customers')).body['items']).toContainEqual(made.body);

  world.clock.pass(1_000);
  const changed = await put('mia', { name: 'Mia E.', email: null, identities: [] });
  expect(changed.status).toBe(200);
  expect(changed.body).toEqual({
    id: 'mia',
    name: 'Mia E.',
    email: null,
    identities: [],
    active: true,
    optedIn: true,
    shareName: false,
    hidden: false,
    pausedUntil: null,
    createdAt: '2026-11-24T09:00:00.000Z',
    updatedAt: '2026-11-24T09:00:01.000Z',
  });
});

test('an id is folded, and one that cannot be is refused by name', async () => {
  await put('MIA', { name: 'Mia' });
  expect((await world.call('GET', '/v1/customers/mia')).status).toBe(200);
  expect((await put('-mia', { name: 'Mia' })).body['errors']).toMatchObject([{ path: 'id' }]);
});

test.each([
  [{}, 'name', 'is required'],
  [{ name: '  ' }, 'name', 'must not be empty'],
  [{ name: 'Mia', email: 'nobody' }, 'email', 'is not an e-mail address'],
  [{ name: 'Mia', identities: ['a', 7] }, 'identities[1]', 'expected string, received number'],
  [{ name: 'Mia', pin: '123456' }, 'pin', 'is not available in this version'],
  [{ name: 'Mia', planId: 'gold' }, 'planId', 'is not available in this version'],
  [{ name: 'Mia', nickname: 'M' }, 'nickname', 'is not a field of this call'],
])('the customer %j is refused by the name of the field', async (body, path, message) => {
  const answer = await put('mia', body);
  expect(answer.status).toBe(400);
  expect(answer.body['errors']).toEqual([{ path, message }]);
});

test('an identity belongs to one customer, whatever its case', async () => {
  await put('mia', { name: 'Mia', identities: ['Shared@example.org'] });
  const { status, body } = await put('noor', { name: 'Noor', identities: ['own', 'shared@EXAMPLE.org'] });
  expect([status, body['code']]).toEqual([409, 'identityTaken']);
  expect(body['errors']).toEqual([{ path: 'identities', message: 'one of them belongs to another customer' }]);
  expect(body['customerId']).toBe('mia');
  expect((await world.call('GET', '/v1/customers/noor')).status).toBe(404);
});

test('the list is paged to its end', async () => {
  for (const id of ['c', 'a', 'b']) await put(id, { name: id });
  const first = await world.call('GET', '/v1/customers?limit=2');
  const second = await world.call('GET', `/v1/customers?limit=2&cursor=${String(first.body['nextCursor'])}`);
  const ids = [first, second].map(({ body }) => (body['items'] as { id: string }[]).map(({ id }) => id));
  expect(ids).toEqual([
    ['a', 'b'],
    ['c', 'member'],
  ]);
  expect(second.body['nextCursor']).toBeNull();
});
