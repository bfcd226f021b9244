import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { addCustomer } from './people.ts';
import { openWorld, type World } from './world.ts';

describe.each(databaseKinds)('on %s', (kind) => {
  const databases = useDatabases(kind);
  let world: World;
  beforeEach(async () => {
    const { databaseUrl } = await databases.createConfig();
    world = await openWorld({ databaseUrl });
    await addCustomer(world, 'mia');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const day = 24 * 60 * 60 * 1000;

  const addPass = (key: string, body: object = { kind: 'unlimited' }, token = 'platform') =>
    world.call('POST', '/v1/customers/mia/passes', { token, body, headers: { 'idempotency-key': key } });

  const passes = async () => ((await world.call('GET', '/v1/customers/mia/passes')).body['items'] as object[]).length;

  test('a repeat with the same key has one effect and the same answer', async () => {
    const first = await addPass('k1');
    const again = await addPass('k1');
    expect(first.status).toBe(201);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(await passes()).toBe(1);
  });

  test('many at once with the same key have one effect', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => addPass('k1')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
    expect(await passes()).toBe(1);
  });

  test('the same key for another request is a 422', async () => {
    await addPass('k1');
    const other = await addPass('k1', { kind: 'unlimited', validUntil: '2027-01-01T00:00:00Z' });
    expect([other.status, other.body['code']]).toEqual([422, 'idempotencyKeyReused']);
    expect(other.body['errors']).toEqual([{ path: 'Idempotency-Key', message: 'was used for another request' }]);
    expect(await passes()).toBe(1);
  });

  test('a key belongs to the token that used it', async () => {
    await addPass('k1');
    await addPass('k1', undefined, 'frontdesk');
    expect(await passes()).toBe(2);
  });

  test('a refused call leaves the key free, so that the call can be mended', async () => {
    const body = { customerId: 'noor', spaceId: 'annex' };
    const send = () => world.call('POST', '/v1/check-ins', { body, headers: { 'idempotency-key': 'k1' } });
    expect((await send()).body['code']).toBe('unknownCustomer');
    await addCustomer(world, 'noor');
    expect((await send()).status).toBe(201);
  });

  test('a repeated check-in answers the check-in as it is now', async () => {
    const body = { customerId: 'mia', spaceId: 'annex' };
    const send = () => world.call('POST', '/v1/check-ins', { body, headers: { 'idempotency-key': 'k1' } });
    const first = await send();
    await world.call('POST', `/v1/check-ins/${String(first.body['id'])}/check-out`);
    const again = await send();
    expect([again.status, again.body['id'], again.body['state']]).toEqual([201, first.body['id'], 'closed']);
  });

  test('a key is forgotten after a day', async () => {
    await addPass('k1');
    world.clock.pass(day + 1);
    await addPass('k1');
    expect(await passes()).toBe(2);
  });

  test('a key whose holder died is free again after a minute, and not before', async () => {
    const held = {
      token_id: world.made['platform']?.id ?? '',
      key: 'k1',
      status: null,
      body: null,
      created_at: world.clock.now(),
    };
    const first = await addPass('other');
    await world.call('DELETE', `/v1/passes/${String(first.body['id'])}`);
    const { request_hash } = await world.db.read
      .selectFrom('idempotency_keys')
      .select('request_hash')
      .where('key', '=', 'other')
      .executeTakeFirstOrThrow();
    await world.db.write
      .insertInto('idempotency_keys')
      .values({ ...held, request_hash })
      .execute();
    const early = await addPass('k1');
    expect([early.status, early.body['code'], early.headers.get('retry-after')]).toEqual([
      409,
      'idempotencyKeyInUse',
      '1',
    ]);
    world.clock.pass(60_001);
    expect((await addPass('k1')).status).toBe(201);
    expect(await passes()).toBe(1);
  });

  test('what is kept for a key names no person', async () => {
    await addPass('k1');
    const row = await world.db.read.selectFrom('idempotency_keys').selectAll().executeTakeFirstOrThrow();
    expect(row.body).toMatch(/^pass_[a-z0-9]+$/);
  });

  test.each(['', 'with space', 'x'.repeat(256)])('the key %j is refused by name', async (key) => {
    const { status, body } = await addPass(key);
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ path: 'Idempotency-Key' }]);
  });
});
