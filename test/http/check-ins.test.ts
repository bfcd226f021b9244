import { afterEach, beforeEach, expect, test } from 'vitest';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  for (const id of ['mia', 'noor', 'omar']) await addCustomer(world, id);
});
afterEach(() => world[Symbol.asyncDispose]());

const checkIn = (customerId: string, spaceId = 'annex', more: object = {}) =>
  world.call('POST', '/v1/check-ins', { token: 'frontdesk', body: { customerId, spaceId, ...more } });

test('the front desk checks someone in and out', async () => {
  const opened = await checkIn('mia');
  expect(opened.status).toBe(201);
  expect(opened.body).toMatchObject({
    customerId: 'mia',
    spaceId: 'annex',
    state: 'open',
    method: 'admin',
    startedAt: '2026-11-24T09:00:00.000Z',
    endedAt: null,
    devices: [],
  });
  expect(opened.body).not.toHaveProperty('visitId');
  const path = `/v1/check-ins/${String(opened.body['id'])}`;
  expect((await world.call('GET', path)).body).toEqual(opened.body);
  world.clock.pass(60_000);
  const closed = await world.call('POST', `${path}/check-out`, { token: 'frontdesk' });
  expect(closed.status).toBe(200);
  expect(closed.body).toMatchObject({
    state: 'closed',
    endedAt: '2026-11-24T09:01:00.000Z',
    checkOutMethod: 'admin',
    checkOutReason: 'manual',
  });
});

test('a check-out takes a body as well as none', async () => {
  const { body } = await checkIn('mia');
  world.clock.pass(60_000);
  const path = `/v1/check-ins/${String(body['id'])}/check-out`;
  const closed = await world.call('POST', path, { body: { at: '2026-11-24T10:00:30+01:00' } });
  expect(closed.body['endedAt']).toBe('2026-11-24T09:00:30.000Z');
});

test('a refusal by the rules is recorded and answers 200', async () => {
  const { status, body } = await checkIn('mia', 'hq');
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'failed', failureReason: 'noPass' });
});

test('someone who is in already is a 409 with the open check-in', async () => {
  const first = await checkIn('mia');
  const second = await checkIn('mia');
  expect(second.status).toBe(409);
  expect(second.body).toMatchObject({ code: 'alreadyIn', checkIn: first.body });
});

test('an unknown customer and an unknown space are 404s that name the field', async () => {
  expect((await checkIn('nobody')).body).toMatchObject({
    status: 404,
    code: 'unknownCustomer',
    errors: [{ path: 'customerId' }],
  });
  expect((await checkIn('mia', 'nowhere')).body).toMatchObject({
    status: 404,
    code: 'unknownSpace',
    errors: [{ path: 'spaceId' }],
  });
});

test('times that cannot be are refused by name', async () => {
  expect((await checkIn('mia', 'annex', { at: '2026-11-24T09:02:00Z' })).body).toMatchObject({
    status: 400,
    errors: [{ path: 'at', message: 'lies in the future' }],
  });
  const { body } = await checkIn('mia');
  const early = await world.call('POST', `/v1/check-ins/${String(body['id'])}/check-out`, {
    body: { at: '2026-11-24T08:00:00Z' },
  });
  expect(early.body).toMatchObject({ status: 400, errors: [{ path: 'at', message: 'lies before the check-in' }] });
});

test('a check-in can be taken back once, with a reason', async () => {
  const { body } = await checkIn('mia');
  const path = `/v1/check-ins/${String(body['id'])}/void`;
  expect((await world.call('POST', path, { body: {} })).body).toMatchObject({ errors: [{ path: 'reason' }] });
  expect((await world.call('POST', path, { body: { reason: 'wrong person' } })).body['state']).toBe('void');
  expect((await world.call('POST', path, { body: { reason: 'again' } })).body['code']).toBe('alreadyVoid');
  const out = await world.call('POST', `/v1/check-ins/${String(body['id'])}/check-out`);
  expect(out.body).toMatchObject({ status: 409, code: 'notOpen' });
});

test('the list is filtered, newest first, and paged to its end', async () => {
  for (const customerId of ['mia', 'noor', 'omar']) {
    await checkIn(customerId);
    world.clock.pass(1_000);
  }
  await checkIn('mia', 'hq');
  const ids = async (query: string) => {
    const { body } = await world.call('GET', `/v1/check-ins?${query}`);
    return {
      who: (body['items'] as { customerId: string }[]).map((each) => each.customerId),
      next: body['nextCursor'],
    };
  };
  expect(await ids('state=open')).toEqual({ who: ['omar', 'noor', 'mia'], next: null });
  expect(await ids('customerId=mia&spaceId=hq')).toEqual({ who: ['mia'], next: null });
  expect((await ids('from=2026-11-24T09:00:01Z&to=2026-11-24T09:00:02Z')).who).toEqual(['noor']);
  const first = await ids('spaceId=annex&limit=2');
  expect(first.who).toEqual(['omar', 'noor']);
  expect(await ids(`spaceId=annex&limit=2&cursor=${String(first.next)}`)).toEqual({ who: ['mia'], next: null });
  expect((await world.call('GET', '/v1/check-ins?cursor=made-up')).body).toMatchObject({
    status: 400,
    errors: [{ path: 'cursor' }],
  });
});

test('for a token that belongs to a space, the others do not exist', async () => {
  const { body } = await checkIn('mia', 'hq');
  const token = 'annexDesk';
  const path = `/v1/check-ins/${String(body['id'])}`;
  const missing = await world.call('GET', '/v1/check-ins/chk_missing', { token });
  for (const [method, at] of [
    ['GET', path],
    ['POST', `${path}/check-out`],
  ] as const) {
    const foreign = await world.call(method, at, { token });
    expect({ ...foreign.body, requestId: '' }).toEqual({ ...missing.body, requestId: '' });
  }
  expect((await world.call('POST', `${path}/void`, { token, body: { reason: 'mine now' } })).status).toBe(404);
  expect((await world.call('GET', '/v1/check-ins', { token })).body['items']).toEqual([]);
  expect((await world.call('GET', '/v1/check-ins?spaceId=hq', { token })).status).toBe(404);
  expect((await world.call('GET', '/v1/presence?spaceId=hq', { token })).status).toBe(404);
  expect((await world.call('GET', '/v1/spaces/hq', { token })).status).toBe(404);
  const into = await world.call('POST', '/v1/check-ins', { token, body: { customerId: 'noor', spaceId: 'hq' } });
  expect([into.status, into.body['code']]).toEqual([404, 'unknownSpace']);
});

test('presence lists who is in, page by page over the spaces', async () => {
  await world.call('POST', '/v1/customers/omar/passes', { body: { kind: 'unlimited' } });
  await checkIn('mia');
  world.clock.pass(1_000);
  await checkIn('noor');
  await checkIn('omar', 'hq');
  const first = await world.call('GET', '/v1/presence?limit=2');
  const second = await world.call('GET', `/v1/presence?limit=2&cursor=${String(first.body['nextCursor'])}`);
  const who = [first, second].map(({ body }) =>
    (body['items'] as { customerId: string }[]).map((each) => each.customerId),
  );
  expect(who).toEqual([['noor', 'mia'], ['omar']]);
  expect(second.body['nextCursor']).toBeNull();
  expect((first.body['items'] as object[])[0]).toEqual({
    customerId: 'noor',
    customerName: 'noor',
    spaceId: 'annex',
    checkInId: expect.any(String) as string,
    since: '2026-11-24T09:00:01.000Z',
    lastActivityAt: '2026-11-24T09:00:01.000Z',
    dueAt: null,
    seen: true,
    methods: ['admin'],
    deviceClasses: [],
    limitLeftMs: null,
  });
});
