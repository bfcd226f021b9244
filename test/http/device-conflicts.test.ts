import { afterEach, beforeEach, expect, test } from 'vitest';
import { inTransaction } from '../../src/db/transaction.ts';
import { noteConflicts } from '../../src/identity/device-conflicts.ts';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  for (const id of ['mia', 'noah', 'zoe']) await addCustomer(world, id);
});
afterEach(() => world[Symbol.asyncDispose]());

async function dispute(claimantId: string, at: number): Promise<void> {
  const { body } = await world.call('PUT', '/v1/devices/00-00-5E-00-53-01', { body: { customerId: 'mia' } });
  const seen = { deviceId: String(body['id']), claimantId, kind: 'identity', at } as const;
  await inTransaction(world.db, (trx) => noteConflicts(trx, [seen]));
}

const list = async (query = '') => {
  const { body } = await world.call('GET', `/v1/devices/conflicts${query}`, { token: 'frontdesk' });
  return body as { items: { id: string }[]; nextCursor: string | null };
};

const settle = (id: string, settlement: string) =>
  world.call('POST', `/v1/devices/conflicts/${id}/settle`, { body: { settlement } });

test('conflicts are listed latest first, page by page, with the last digits of the device', async () => {
  await dispute('noah', 1_000);
  await dispute('zoe', 2_000);
  const first = await list('?limit=1');
  expect(first.items).toMatchObject([
    {
      kind: 'identity',
      registeredTo: 'mia',
      claimedBy: 'zoe',
      device: { mac: '••-••-••-••-53-01', customerId: 'mia' },
      firstAt: '1970-01-01T00:00:02.000Z',
      settledAt: null,
    },
  ]);
  const second = await list(`?limit=1&cursor=${first.nextCursor ?? ''}`);
  expect(second).toMatchObject({ items: [{ claimedBy: 'noah' }], nextCursor: null });
});

test('an admin says whose it is, once; the same answer again does no harm', async () => {
  await dispute('noah', 1_000);
  const [{ id } = { id: '' }] = (await list()).items;
  expect((await settle(id, 'both')).status).toBe(400);
  for (let times = 0; times < 2; times += 1) {
    expect(await settle(id, 'holder')).toMatchObject({ status: 200, body: { settlement: 'holder' } });
  }
  expect((await settle(id, 'claimant')).status).toBe(404);
  expect([(await list()).items.length, (await list('?state=settled')).items.length]).toEqual([0, 1]);
});

test('given to the other, it is theirs', async () => {
  await dispute('noah', 1_000);
  const [{ id } = { id: '' }] = (await list()).items;
  const { body } = await settle(id, 'claimant');
  expect(body).toMatchObject({ settlement: 'claimant', device: { customerId: 'noah' } });
});
