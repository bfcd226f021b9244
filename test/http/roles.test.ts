import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { roles, type Role } from '../../src/http/access.ts';
import { adminToken, openWorld, type World } from './world.ts';

/** Who may call what. The document and the server are both held to this table; `everyone` needs no token. */
const table: Readonly<Record<string, readonly Role[] | 'everyone'>> = {
  'GET /livez': 'everyone',
  'GET /readyz': 'everyone',
  'GET /metrics': ['admin', 'frontdesk', 'viewer', 'platform'],
  'GET /openapi.json': 'everyone',
  'POST /v1/setup': 'everyone',
  'PUT /v1/customers/{id}': ['admin', 'platform'],
  'GET /v1/customers/{id}': ['admin', 'platform', 'frontdesk', 'viewer'],
  'DELETE /v1/customers/{id}': ['admin', 'platform'],
  'GET /v1/customers/{id}/export': ['admin', 'platform'],
  'PATCH /v1/me': ['admin', 'member'],
  'GET /v1/me/export': ['admin', 'member'],
  'DELETE /v1/me': ['admin', 'member'],
  'GET /v1/customers': ['admin', 'platform', 'frontdesk', 'viewer'],
  'PUT /v1/devices/{mac}': ['admin', 'platform', 'frontdesk'],
  'GET /v1/devices/{mac}': ['admin', 'platform', 'frontdesk', 'viewer'],
  'GET /v1/devices': ['admin', 'platform', 'frontdesk', 'viewer'],
  'POST /v1/devices/import': ['admin', 'platform', 'frontdesk'],
  'POST /v1/devices/batch': ['admin', 'platform', 'frontdesk'],
  'DELETE /v1/devices/{mac}': ['admin', 'platform', 'frontdesk'],
  'GET /v1/devices/conflicts': ['admin', 'frontdesk', 'platform'],
  'POST /v1/devices/conflicts/{id}/settle': ['admin', 'platform'],
  'GET /v1/devices/unregistered': ['admin', 'frontdesk', 'platform'],
  'POST /v1/devices/unregistered/{id}/assign': ['admin', 'frontdesk', 'platform'],
  'POST /v1/customers/{id}/passes': ['admin', 'platform', 'frontdesk'],
  'GET /v1/customers/{id}/passes': ['admin', 'platform', 'frontdesk', 'viewer'],
  'DELETE /v1/passes/{id}': ['admin', 'platform', 'frontdesk'],
  'GET /v1/spaces': ['admin', 'frontdesk', 'viewer', 'platform', 'kiosk', 'reader'],
  'GET /v1/spaces/{id}': ['admin', 'frontdesk', 'viewer', 'platform', 'kiosk', 'reader'],
  'GET /v1/presence': ['admin', 'frontdesk', 'viewer', 'platform'],
  'GET /v1/why': ['admin', 'frontdesk', 'viewer', 'platform'],
  'GET /v1/me': ['admin', 'member'],
  'GET /v1/me/why': ['admin', 'member'],
  'GET /v1/me/devices': ['admin', 'member'],
  'GET /v1/me/devices/this': ['admin', 'member'],
  'POST /v1/me/devices': ['admin', 'member'],
  'PATCH /v1/me/devices/{mac}': ['admin', 'member'],
  'DELETE /v1/me/devices/{mac}': ['admin', 'member'],
  'GET /v1/check-ins': ['admin', 'frontdesk', 'viewer', 'platform'],
  'GET /v1/check-ins/{id}': ['admin', 'frontdesk', 'viewer', 'platform'],
  'POST /v1/check-ins': ['admin', 'frontdesk'],
  'POST /v1/check-ins/{id}/check-out': ['admin', 'frontdesk'],
  'POST /v1/check-ins/{id}/void': ['admin', 'frontdesk'],
  'GET /v1/events': ['admin', 'platform', 'frontdesk', 'viewer'],
  'GET /v1/audit': ['admin'],
  'GET /v1/sources': ['admin', 'frontdesk', 'viewer', 'platform'],
  'POST /v1/observations': ['admin', 'platform'],
};

let world: World;
beforeAll(async () => {
  // Metrics are open to this machine, which all tests run on; behind a proxy it is another that asks.
  world = await openWorld({ options: { trustProxy: ['127.0.0.1/32'] } });
});
afterAll(() => world[Symbol.asyncDispose]());

const tokenOf = (role: Role) => (role === 'admin' ? adminToken : role);

async function statusOf(call: string, token: string | null): Promise<number> {
  const [method = '', path = ''] = call.split(' ');
  // Well-formed and without effect: an object that does not exist, a body that lacks everything.
  const options = {
    token,
    headers: { 'x-forwarded-for': '192.0.2.1' },
    ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
  };
  return (await world.call(method, path.replace(/\{\w+\}/, '00-00-5e-00-53-01'), options)).status;
}

test('the table has every call of the document, with the same roles', async () => {
  const { body } = await world.call('GET', '/openapi.json');
  const paths = body['paths'] as Record<string, Record<string, { 'x-roles': readonly string[] }>>;
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      `${method.toUpperCase()} ${path}`,
      operation['x-roles'].length === 0 ? 'everyone' : operation['x-roles'].toSorted(),
    ]),
  );
  const expected = Object.entries(table).map(([call, who]) => [call, who === 'everyone' ? who : [...who].toSorted()]);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected));
});

describe.each(Object.entries(table))('%s', (call, allowed) => {
  test.each(roles)('as %s', async (role) => {
    const status = await statusOf(call, tokenOf(role));
    const may = allowed === 'everyone' || allowed.includes(role);
    expect(may ? 'may' : 'may not').toBe(status === 403 ? 'may not' : 'may');
    expect(status).not.toBe(401);
  });

  test('without a token', async () => {
    const status = await statusOf(call, null);
    expect(status === 401).toBe(allowed !== 'everyone');
  });
});
