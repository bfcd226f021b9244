import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { networkOf } from '../../src/http/auth.ts';
import { adminToken, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ options: { trustProxy: ['127.0.0.1/32'] } });
});
afterAll(() => world[Symbol.asyncDispose]());

/** Over the trusted proxy on this machine, so that each test has an address of its own. */
const from = (address: string) => ({ 'x-forwarded-for': address });

test('without a token the answer is a challenge that names no error', async () => {
  const { status, body, headers } = await world.call('GET', '/v1/spaces', { token: null });
  expect([status, body['code']]).toEqual([401, 'unauthenticated']);
  expect(headers.get('www-authenticate')).toBe('Bearer realm="rollcall"');
});

test.each(['Basic YTpi', 'Bearer', 'Bearer two words', 'Bearer ünknown', 'Bearer nobody'])(
  'the authorization %j is a 401',
  async (authorization) => {
    const bytes = Buffer.from(authorization).toString('latin1');
    const { status, body, headers } = await world.call('GET', '/v1/spaces', {
      token: null,
      headers: { authorization: bytes, ...from('192.0.2.1') },
    });
    expect([status, body['code']]).toEqual([401, 'invalidToken']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  },
);

test('the scheme may be spelt in any case', async () => {
  const headers = { authorization: `bearer ${adminToken}` };
  expect((await world.call('GET', '/v1/spaces', { token: null, headers })).status).toBe(200);
});

test('a token in the address is no credential', async () => {
  expect((await world.call('GET', `/v1/spaces?access_token=${adminToken}`, { token: null })).status).toBe(401);
});

test('a role that may not do this is told so', async () => {
  const { status, body, headers } = await world.call('GET', '/v1/sources', { token: 'kiosk' });
  expect([status, body['code']]).toEqual([403, 'forbidden']);
  expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
});

const attempt = (address: string) =>
  world.call('GET', '/v1/spaces', { token: 'a-guess', headers: from(address) }).then(({ status }) => status);

test('who fails too often is told to wait, and nobody else is', async () => {
  const statuses = await Promise.all(Array.from({ length: 25 }, () => attempt('192.0.2.7')));
  expect(statuses.filter((status) => status === 401)).toHaveLength(20);
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  expect(await attempt('192.0.2.8')).toBe(401);
});

test('failing on purpose does not lock out a good token from the same address', async () => {
  for (let i = 0; i < 25; i += 1) {
    await world.call('GET', '/v1/spaces', { token: 'a-guess', headers: from('192.0.2.9') });
  }
  const { status } = await world.call('GET', '/v1/spaces', { headers: from('192.0.2.9') });
  expect(status).toBe(200);
});

test('a token may call in bursts up to its rate, and is then told when to come back', async () => {
  const calls = Array.from({ length: 205 }, () => world.call('GET', '/v1/spaces', { token: 'viewer' }));
  const answers = await Promise.all(calls);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body['code']).toBe('tooManyRequests');
  expect(refused?.headers.get('retry-after')).toBe('1');
  world.clock.pass(1_000);
  expect((await world.call('GET', '/v1/spaces', { token: 'viewer' })).status).toBe(200);
});

test('the platform may send a thousand calls at once', async () => {
  const statuses = new Set<number>();
  for (let i = 0; i < 10; i += 1) {
    const calls = Array.from({ length: 100 }, () => world.call('GET', '/v1/spaces', { token: 'platform' }));
    for (const { status } of await Promise.all(calls)) statuses.add(status);
  }
  expect([...statuses]).toEqual([200]);
});

const metrics = (token: string | null) =>
  world.call('GET', '/metrics', { token, headers: from('192.0.2.1') }).then(({ status }) => status);

test('metrics are open to tokens, and to nobody who comes through the proxy without one', async () => {
  expect(await metrics(null)).toBe(401);
  expect(await metrics('viewer')).toBe(200);
  expect(await metrics('kiosk')).toBe(403);
});

test.each([
  ['a call from this machine', {}, 200],
  ['a call through a proxy that we were not told of', { 'x-forwarded-for': '192.0.2.1' }, 401],
  ['a page that bound its own name to this machine', { host: 'rebound.example' }, 401],
  ['a call by the name localhost', { host: 'localhost:8080' }, 200],
  ['a call by the IPv6 loopback address', { host: '[::1]:8080' }, 200],
])('without a trusted proxy, metrics answer %s', async (_who, headers, expected) => {
  await using direct = await openWorld();
  expect(await statusOf(`${direct.url}/metrics`, headers)).toBe(expected);
});

test('a client that forges X-Forwarded-For stays the client that it is', async () => {
  await using direct = await openWorld();
  const statuses: number[] = [];
  for (let i = 0; i < 22; i += 1) {
    const headers = from(`198.51.100.${i}`);
    statuses.push((await direct.call('GET', '/v1/spaces', { token: 'a-guess', headers })).status);
  }
  expect(statuses.slice(20)).toEqual([429, 429]);
});

test('an IPv6 client is counted by its /64', () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:db8:1:2::9'));
  expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
  expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64');
  expect(networkOf('::ffff:192.0.2.1')).toBe('::ffff:192.0.2.1');
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
});

/** `fetch` does not let its caller set Host. */
function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject).end();
  });
}
