import { afterEach, beforeEach, expect, test } from 'vitest';
import { createToken } from '../../src/identity/tokens.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld({ withoutAdmin: true, options: { trustProxy: ['127.0.0.1/32'] } });
});
afterEach(() => world[Symbol.asyncDispose]());

const redeem = (code: string, headers: Readonly<Record<string, string>> = {}) =>
  world.call('POST', '/v1/setup', { token: null, body: { code }, headers });

test('the code of the set-up link becomes an admin token, once', async () => {
  const first = await redeem(world.setupCode.code);
  expect(first.status).toBe(201);
  expect(first.headers.get('cache-control')).toBe('no-store');
  expect(first.body).toEqual({
    token: expect.stringMatching(/^rc_/) as string,
    accessPoints: [{ sourceId: 'aps', addresses: ['192.0.2.20'], port: 1813, secretFile: '/data/radius.secret' }],
  });
  const asAdmin = await world.call('GET', '/v1/customers', { token: String(first.body['token']) });
  expect(asAdmin.status).toBe(200);
  const second = await redeem(world.setupCode.code);
  expect([second.status, second.body['code']]).toEqual([403, 'codeNotValid']);
});

test('of two who come with the code at once, one gets a token', async () => {
  const answers = await Promise.all([redeem(world.setupCode.code), redeem(world.setupCode.code)]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 403]));
});

test('the code is worthless after an hour', async () => {
  world.clock.pass(3_600_001);
  expect((await redeem(world.setupCode.code)).status).toBe(403);
});

test('a code that could not be exchanged, because the database was away, can be tried again', async () => {
  const { setupCode } = world;
  const failed = setupCode.redeem(setupCode.code, async () => {
    throw new Error('no database');
  });
  await expect(failed).rejects.toThrow('no database');
  expect((await redeem(setupCode.code)).status).toBe(201);
});

const guess = (address: string) =>
  redeem('aaaaaaaaaaaaaaaaaaaa', { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' });

test('guessing is slowed down, by address', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 7; i += 1) statuses.push((await guess('192.0.2.7')).status);
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
  expect((await guess('192.0.2.8')).status).toBe(403);
});

test('a credential is not sent over plain HTTP to another machine', async () => {
  const refused = await redeem(world.setupCode.code, { 'x-forwarded-for': '192.0.2.7' });
  expect([refused.status, refused.body['code']]).toEqual([403, 'insecureTransport']);
  const granted = await redeem(world.setupCode.code, { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' });
  expect(granted.status).toBe(201);
});

test('the link makes no second admin', async () => {
  await createToken(world.db, world.clock, { role: 'admin', name: 'made by the command' });
  const { status, body } = await redeem(world.setupCode.code);
  expect([status, body['code']]).toEqual([403, 'setupDone']);
});
