import { afterEach, beforeEach, expect, test } from 'vitest';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await addCustomer(world, 'mia');
});
afterEach(() => world[Symbol.asyncDispose]());

const device = '00-00-5E-00-53-01';

async function run(deviceId: string, kind: string, firstAt: number, lastAt: number, count: number): Promise<void> {
  const row = { customer_id: 'mia', space_id: 'annex', device_id: deviceId, kind };
  await world.db.write
    .insertInto('observed_runs')
    .values({ ...row, first_at: firstAt, last_at: lastAt, count })
    .execute();
}

test('says which rule decided, and what was observed, in sentences', async () => {
  await world.call('POST', '/v1/check-ins', { body: { customerId: 'mia', spaceId: 'annex' } });
  await run('dev_phone', 'progress', world.clock.now() - 120_000, world.clock.now() - 60_000, 12);
  const { status, body } = await world.call('GET', '/v1/why?customerId=mia&spaceId=annex', { token: 'frontdesk' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    customerId: 'mia',
    counts: null,
    spaces: [
      {
        spaceId: 'annex',
        isIn: true,
        decisions: [{ code: 'checkedIn', text: 'checked in by admin' }],
        observed: [{ kind: 'progress', count: 12, text: '12 reports of activity' }],
      },
    ],
  });
});

test('asks for a device by its address, and shows that device alone', async () => {
  const made = await world.call('PUT', `/v1/devices/${device}`, { body: { customerId: 'mia', class: 'stationary' } });
  await run(String(made.body['id']), 'start', world.clock.now() - 9_000, world.clock.now() - 9_000, 1);
  await run('dev_other', 'start', world.clock.now() - 8_000, world.clock.now() - 8_000, 1);
  const { body } = await world.call('GET', `/v1/why?mac=${device}&spaceId=annex`);
  expect(body).toMatchObject({
    counts: expect.stringContaining('stationary'),
    spaces: [{ isIn: false, observed: [{ kind: 'start', text: 'the device joined' }] }],
  });
});

test('looks at another moment', async () => {
  const opened = await world.call('POST', '/v1/check-ins', { body: { customerId: 'mia', spaceId: 'annex' } });
  world.clock.pass(60_000);
  await world.call('POST', `/v1/check-ins/${String(opened.body['id'])}/check-out`);
  world.clock.pass(600_000);
  const isIn = async (more: string) => {
    const { body } = await world.call('GET', `/v1/why?customerId=mia&spaceId=annex${more}`);
    return (body['spaces'] as { isIn: boolean }[])[0]?.isIn;
  };
  expect(await isIn('')).toBe(false);
  expect(await isIn('&at=2026-11-24T09:00:30.000Z')).toBe(true);
});

test('wants either a customer or an address, of somebody it knows', async () => {
  expect((await world.call('GET', '/v1/why')).status).toBe(400);
  expect((await world.call('GET', '/v1/why?customerId=nobody')).body).toMatchObject({ code: 'unknownCustomer' });
  expect((await world.call('GET', `/v1/why?mac=${device}`)).status).toBe(404);
});
