import { afterEach, beforeEach, expect, test } from 'vitest';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld({ quota: 2 });
  for (const id of ['mia', 'noor']) await addCustomer(world, id);
  await put('01', { name: 'old' });
  world.clock.pass(60_000);
  await put('02', { name: 'new', class: 'phone' });
});
afterEach(() => world[Symbol.asyncDispose]());

const put = (tail: string, body: object) =>
  world.call('PUT', `/v1/devices/00-00-5E-00-53-${tail}`, { token: 'frontdesk', body: { customerId: 'mia', ...body } });

async function names(): Promise<readonly unknown[]> {
  const { body } = await world.call('GET', '/v1/devices?customerId=mia');
  return (body['items'] as { name: string }[]).map(({ name }) => name).toSorted();
}

async function idOf(tail: string): Promise<string> {
  return String((await world.call('GET', `/v1/devices/00-00-5E-00-53-${tail}`)).body['id']);
}

/** A check-in in which the device with these last digits was active. */
async function checkedIn(tail: string, at: number) {
  const { body } = await world.call('POST', '/v1/check-ins', { body: { customerId: 'mia', spaceId: 'annex' } });
  await world.db.write
    .updateTable('check_ins')
    .set({ device_ids: JSON.stringify([await idOf(tail)]), last_activity_at: at })
    .where('id', '=', String(body['id']))
    .execute();
}

test('one device too many is a 409 that offers what may be replaced, the least recently seen first', async () => {
  const at = world.clock.now() + 5_000;
  await checkedIn('01', at);
  const { status, body, text } = await put('03', { name: 'third' });
  expect([status, body['code'], body['quota']]).toEqual([409, 'deviceQuotaReached', 2]);
  expect(body['devices']).toEqual([
    {
      id: await idOf('02'),
      name: 'new',
      mac: '••-••-••-••-53-02',
      class: 'phone',
      lastSeenAt: null,
      createdAt: '2026-11-24T09:01:00.000Z',
    },
    {
      id: await idOf('01'),
      name: 'old',
      mac: '••-••-••-••-53-01',
      class: null,
      lastSeenAt: new Date(at).toISOString(),
      createdAt: '2026-11-24T09:00:00.000Z',
    },
  ]);
  expect(text).not.toContain('00-00-5E');
  expect(await names()).toEqual(['new', 'old']);
  const list = (await world.call('GET', '/v1/devices?customerId=mia')).body['items'] as { lastSeenAt: unknown }[];
  expect(list.map(({ lastSeenAt }) => lastSeenAt)).toContain(new Date(at).toISOString());
});

test('what the customer has may be changed, and others have a quota of their own', async () => {
  expect((await put('02', { name: 'newer' })).status).toBe(200);
  expect((await put('03', { customerId: 'noor' })).status).toBe(201);
});

test.each(['by its address', 'by its id'])('a device that is named %s makes room, once', async (how) => {
  const replaces = how === 'by its id' ? await idOf('01') : '00:00:5e:00:53:01';
  expect((await put('03', { name: 'third', replaces })).status).toBe(201);
  expect(await names()).toEqual(['new', 'third']);
  // The answer may have been lost: the same call again finds nothing to do.
  expect((await put('03', { name: 'third', replaces })).status).toBe(200);
  expect(await names()).toEqual(['new', 'third']);
});

test("a device of somebody else's, or of nobody's, replaces nothing", async () => {
  await put('04', { customerId: 'noor', name: 'theirs' });
  for (const replaces of ['00-00-5E-00-53-04', '00-00-5E-00-53-05', 'dev_00000000000000000000']) {
    const { status, body } = await put('03', { replaces });
    expect([status, body['code'], body['errors']]).toEqual([
      422,
      'unknownDevice',
      [{ path: 'replaces', message: 'is no device of this customer' }],
    ]);
  }
  expect(await names()).toEqual(['new', 'old']);
  expect((await world.call('GET', '/v1/devices?customerId=noor')).body['items']).toHaveLength(1);
});

test('several phones at once get no more room than there is', async () => {
  const answers = await Promise.all(['03', '04', '05'].map((tail) => put(tail, { replaces: '00-00-5E-00-53-01' })));
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '422', '422']);
});
