import { afterAll, beforeAll, expect, test } from 'vitest';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { adminToken, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  for (const id of ['mia', 'noor', 'zoe', 'ben'])
    await world.call('PUT', `/v1/customers/${id}`, { body: { name: id } });
});
afterAll(() => world[Symbol.asyncDispose]());

const csv = { 'content-type': 'text/csv; charset=utf-8' };
const post = (body: string, path = '/v1/devices/import', headers: Readonly<Record<string, string>> = {}) =>
  world.call('POST', path, { body, headers: { ...csv, ...headers }, token: 'frontdesk' });
const batch = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  world.call('POST', '/v1/devices/batch', { body, headers, token: 'platform' });
const done = { dryRun: false, updated: 0, unchanged: 0, failed: 0, errors: [], errorsLeftOut: 0 };

test('a file is registered; the same again changes nothing, and with its key is answered as the first time', async () => {
  const file = 'Mac,Customer ID,Name\r\n00:00:5e:00:53:01,mia,"Mia, her phone"\r\n02005e005302,MIA,\r\n';
  expect((await post(file, '/v1/devices/import?dryRun=true')).body).toEqual({
    ...done,
    dryRun: true,
    rows: 2,
    created: 2,
  });
  const first = await post(file, undefined, { 'idempotency-key': 'one' });
  expect([first.status, first.body]).toEqual([200, { ...done, rows: 2, created: 2 }]);
  expect((await post(file)).body).toEqual({ ...done, rows: 2, created: 0, unchanged: 2 });
  expect((await post(file, undefined, { 'idempotency-key': 'one' })).body).toEqual(first.body);
  const other = await post(`${file}\n`, undefined, { 'idempotency-key': 'one' });
  expect([other.status, other.body['code']]).toEqual([422, 'idempotencyKeyReused']);
  const { body } = await world.call('GET', '/v1/devices/00-00-5E-00-53-01');
  expect(body).toMatchObject({ customerId: 'mia', name: 'Mia, her phone', class: null });
});

test('a file with a mistake is a 422 that says where, and what it quotes is nothing', async () => {
  const { status, body, text } = await post('mac,customerId\n00-00-5E-00-53-11,mia\n00-00-5E-00-53-12,secret-guest\n');
  expect(status).toBe(422);
  const message = 'there is no such customer; make the customer first';
  expect(body).toMatchObject({
    code: 'importRefused',
    detail: `nothing was registered, because of line 3, customerId: ${message}`,
    errors: [{ path: 'line 3, customerId', message }],
    report: {
      ...done,
      rows: 2,
      created: 1,
      failed: 1,
      errors: [{ line: 3, column: 'customerId', code: 'unknownCustomer', message }],
    },
  });
  expect(text).not.toMatch(/00-53|secret-guest/);
  expect((await world.call('GET', '/v1/devices/00-00-5E-00-53-11')).status).toBe(404);
});

test.each([
  ['application/json', '{}', 415, 'send the body as Content-Type: text/csv'],
  [
    'text/csv',
    `mac,customerId\n${'x'.repeat(17 * 1024 * 1024)}`,
    413,
    'the body is larger than 16 MiB; divide the file, or use "rollcall devices import"',
  ],
])('a body that is %s and not right is refused', async (type, body, status, detail) => {
  const answer = await post(body, undefined, { 'content-type': type });
  expect([answer.status, answer.body['detail']]).toEqual([status, detail]);
});

test.each([
  ['says how long it is', `Content-Length: ${2 ** 26}`, ''],
  ['sends it in pieces', 'Transfer-Encoding: chunked', `${(2 ** 26).toString(16)}\r\n`],
])(
  'whoever sends a file that is far too long, %s and listens only then, gets the answer',
  async (_how, framing, before) => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname).pause();
    const head = `POST /v1/devices/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: text/csv\r\n`;
    socket.write(`${head}${framing}\r\n\r\n${before}`);
    const after = before === '' ? '' : '\r\n0\r\n\r\n';
    const written = promisify(
      socket.write.bind(socket) as (data: Uint8Array, done: (error?: Error | null) => void) => void,
    );
    await written(Buffer.concat([Buffer.alloc(2 ** 26, 'x'), Buffer.from(after)]));
    socket.resume();
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
  },
);

test('an unknown parameter is refused', async () => {
  const { status, body } = await post('mac,customerId\n', '/v1/devices/import?dryrun=true');
  expect([status, body['errors']]).toEqual([400, [{ path: 'dryrun', message: 'is not a parameter of this call' }]]);
});

test('one file at a time: while another is still arriving, the answer says when to come back', async () => {
  const slow = request(`${world.url}/v1/devices/import?dryRun=true`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'text/csv' },
  });
  slow.write('mac,customerId\n');
  await until('the first file has its turn', async () => {
    const { status, body, headers } = await post('mac,customerId\n');
    return status === 503 && body['code'] === 'importAtWork' && headers.get('retry-after') === '5';
  });
  slow.end('00-00-5E-00-53-01,mia\n');
  const [response] = (await once(slow, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  expect(response.statusCode).toBe(200);
  response.resume();
  await once(response, 'end');
  expect((await post('mac,customerId\n')).status).toBe(200);
});

test('the export is a file that the import reads, with whole addresses for those who may see them', async () => {
  const path = '/v1/devices?customerId=noor';
  const name = '=HYPERLINK("http://192.0.2.1")';
  await world.call('PUT', '/v1/devices/02-00-5E-00-53-21', { body: { customerId: 'noor', name, class: 'phone' } });
  const get = (token: string) => world.call('GET', path, { token, headers: { accept: 'text/csv' } });
  const { headers, text } = await get('platform');
  expect(
    Object.fromEntries(['content-type', 'content-disposition', 'vary'].map((each) => [each, headers.get(each)])),
  ).toEqual({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment; filename="devices.csv"',
    vary: 'accept',
  });
  const [header, row] = text.split('\r\n');
  expect(header).toBe('mac,customerId,name,class,id,random,vendor,createdAt');
  expect(row).toMatch(
    /^02-00-5E-00-53-21,noor,"'=HYPERLINK\(""http:\/\/192\.0\.2\.1""\)",phone,dev_\w+,true,,2026-11-24T/,
  );
  expect((await post(text)).body).toEqual({ ...done, rows: 1, created: 0, unchanged: 1 });
  const masked = (await get('viewer')).text;
  expect(masked).toContain('••-••-••-••-53-21,noor');
  expect((await post(masked)).body).toMatchObject({ report: { errors: [{ line: 2, code: 'maskedMac' }] } });
});

test('a batch is all or none, or what can be, as it asks for', async () => {
  const devices = [
    { mac: '02-00-5E-00-53-31', customerId: 'zoe', name: 'Phone', class: 'phone' },
    { mac: 'nothing', customerId: 'zoe' },
    { mac: '00-00-5E-00-53-01', customerId: 'zoe' },
  ];
  const refused = await batch({ devices });
  expect([refused.status, refused.body['code']]).toEqual([422, 'importRefused']);
  expect(refused.body['errors']).toMatchObject([{ path: 'devices.1.mac' }, { path: 'devices.2.mac' }]);
  expect((await world.call('GET', '/v1/devices?customerId=zoe')).body['items']).toEqual([]);

  const partly = await batch({ devices, atomic: false }, { 'idempotency-key': 'night' });
  expect(partly.body).toMatchObject({
    rows: 3,
    created: 1,
    failed: 2,
    errors: [
      { index: 1, column: 'mac', code: 'invalidMac' },
      { index: 2, column: 'mac', code: 'deviceTaken' },
    ],
  });
  expect((await batch({ devices, atomic: false }, { 'idempotency-key': 'night' })).body).toEqual(partly.body);
  const cleared = await batch({ devices: [{ mac: '02-00-5E-00-53-31', customerId: 'zoe', name: null }] });
  expect(cleared.body).toEqual({ ...done, rows: 1, created: 0, updated: 1 });
  expect((await world.call('GET', '/v1/devices/02-00-5E-00-53-31')).body).toMatchObject({ name: null, class: 'phone' });
});

test.each([
  ['a field that is not known', { devices: [{ mac: 'x', customerId: 'zoe', colour: 'red' }] }],
  ['more than 10,000 devices', { devices: Array.from({ length: 10_001 }, () => ({ mac: 'x', customerId: 'y' })) }],
  ['no devices', { devices: [] }],
])('a batch with %s is a 400', async (_what, body) => {
  expect((await batch(body)).status).toBe(400);
});

test('nothing of all this put an address into the log', () => {
  expect(world.log()).not.toMatch(/00.00.5e.00.53|02.00.5e.00.53/i);
});
