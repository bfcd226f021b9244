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

async function visit(runs: unknown[][]): Promise<void> {
  const [arrivedAt] = runs.map((run) => Number(run[2]));
  await world.db.write
    .insertInto('visits')
    .values({
      id: 'v1',
      customer_id: 'mia',
      space_id: 'annex',
      arrived_at: arrivedAt ?? 0,
      last_activity_at: arrivedAt ?? 0,
      departed_at: null,
      reason: null,
      revision: 1,
      runs: JSON.stringify(runs),
    })
    .execute();
}

test('says which rule decided, and what was observed, in sentences', async () => {
  await world.call('POST', '/v1/check-ins', { body: { customerId: 'mia', spaceId: 'annex' } });
  await visit([['dev_phone', 1, world.clock.now() - 120_000, world.clock.now() - 60_000, 12]]);
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
  const at = world.clock.now() - 9_000;
  await visit([
    [String(made.body['id']), 0, at, at, 1],
    ['dev_other', 0, at, at, 1],
  ]);
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
