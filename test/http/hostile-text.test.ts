import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainTextRule } from '../../src/runtime/plain-text.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const call = (method: string, path: string, body: unknown, token = 'platform') =>
  world.call(method, path, { token, body });
const csv = (...lines: readonly string[]) =>
  world.call('POST', '/v1/devices/import?dryRun=true', {
    token: 'platform',
    headers: { 'content-type': 'text/csv' },
    body: lines.join('\r\n'),
  });
const device = '/v1/devices/00-00-5E-00-53-01';

const turning = plainTextRule;
const hostile = [
  ['an escape of a terminal', 'Mia\u001B[2J', turning],
  ['a C1 escape', 'Mia\u009B2J', turning],
  ['a line break', 'Mia\nroot', turning],
  ['an override of direction', 'Mia \u202Egnp.exe', turning],
  ['an isolate of direction', 'Mia \u2066x', turning],
  ['half a character', 'Mia \uD83D', turning],
  ['a line separator', 'Mia\u2028root', turning],
  ['nothing visible', '\u200B\u200D', turning],
] as const;

test.each(hostile)('T28: %s is refused as the name of anything, and it is said where', async (_what, text, message) => {
  const places = [
    [await call('PUT', '/v1/customers/guest', { name: text }), 'name'],
    [await call('PUT', '/v1/customers/guest', { name: 'Guest', identities: ['guest', text] }), 'identities[1]'],
    [await call('PUT', device, { customerId: 'member', name: text }), 'name'],
    [await call('PATCH', '/v1/me/devices/00-00-5E-00-53-01', { name: text }, 'member'), 'name'],
    [await call('POST', '/v1/check-ins/chk_1/void', { reason: text }, 'frontdesk'), 'reason'],
  ] as const;
  for (const [{ status, body }, path] of places) {
    expect({ status, errors: body['errors'] }).toEqual({ status: 400, errors: [{ path, message }] });
  }
  const item = { mac: '00-00-5E-00-53-01', customerId: 'member', name: text };
  const batch = await call('POST', '/v1/devices/batch', { devices: [item] });
  expect(batch.body['errors']).toEqual([{ path: 'devices.0.name', message }]);
});

test.each(hostile.filter(([, text]) => !text.includes('\n') && text.isWellFormed()))(
  'T28: %s in a row of a file is a mistake of that line',
  async (_what, text, message) => {
    const { body } = await csv('mac,customerId,name', `00-00-5E-00-53-01,member,"${text}"`);
    expect(body['errors']).toMatchObject([{ line: 2, column: 'name', message }]);
  },
);

test.each([
  ['a formula', '=HYPERLINK("https://example.org","x")'],
  ['a tag of a page', '<img src=x onerror=alert(1)>'],
  ['a family of emoji', '👨‍👩‍👧‍👦 tablet'],
  ['Persian', 'می‌خواهم'],
])('T28: %s is a name, answered as JSON and as what it is', async (_what, name) => {
  expect((await call('PUT', device, { customerId: 'member', name })).body).toMatchObject({ name });
  const answer = await call('GET', '/v1/devices', undefined, 'viewer');
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.body['items']).toMatchObject([{ name }]);
});

test('T28: a field that nobody knows is named in an answer, and raw in no log line', async () => {
  const { status, headers } = await call('PUT', device, { customerId: 'member', 'x\u001B[31m\u202E': 1 });
  expect(status).toBe(400);
  expect(headers.get('content-type')).toContain('json');
  expect(world.log()).toContain('call answered');
  expect(world.log()).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u);
});
