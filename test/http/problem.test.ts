import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({
    ports: {
      readiness: async () => {
        throw new Error('secret-from-the-inside');
      },
      metricsText: async () => {
        throw Object.assign(new Error('the database gave no answer'), { retryable: true });
      },
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

const checkIn = { customerId: 'mia', spaceId: 'hq' };

test('every problem has the members of RFC 9457, a code, and the id under which the log names the request', async () => {
  const { status, headers, body } = await world.call('GET', '/nowhere');
  expect(status).toBe(404);
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toEqual({
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'there is no such call',
    code: 'notFound',
    errors: [],
    requestId: headers.get('x-request-id'),
  });
});

test('an unknown field is named', async () => {
  const { status, body } = await world.call('POST', '/v1/check-ins', { body: { ...checkIn, colour: 'red', shoe: 44 } });
  expect(status).toBe(400);
  expect(body).toMatchObject({
    code: 'invalidRequest',
    errors: [
      { path: 'colour', message: 'is not a field of this call' },
      { path: 'shoe', message: 'is not a field of this call' },
    ],
  });
});

test('an unknown query parameter is named', async () => {
  const { body } = await world.call('GET', '/v1/check-ins?colour=red');
  expect(body['errors']).toEqual([{ path: 'colour', message: 'is not a parameter of this call' }]);
});

test('a missing field and a field of the wrong kind are both named', async () => {
  const { body } = await world.call('POST', '/v1/check-ins', { body: { spaceId: 7 } });
  expect(body['errors']).toEqual([
    { path: 'customerId', message: 'is required' },
    { path: 'spaceId', message: 'expected string, received number' },
  ]);
});

test('an instant that is none is named with an example', async () => {
  const { body } = await world.call('POST', '/v1/check-ins', { body: { ...checkIn, at: 'yesterday' } });
  expect(body['errors']).toEqual([
    { path: 'at', message: 'must be an ISO 8601 instant such as 2026-11-24T09:00:00.000Z' },
  ]);
});

test.each([
  ['{"customerId":', 400, 'badRequest', 'the body is not valid JSON'],
  ['', 400, 'badRequest', 'the body is empty, although its Content-Type is application/json'],
  ['{"__proto__":{"role":"admin"}}', 400, 'badRequest', 'the body is not valid JSON'],
  ['[]', 400, 'invalidRequest', 'body: expected object, received array'],
  ['null', 400, 'invalidRequest', 'body: expected object, received null'],
])('the body %j is refused', async (body, status, code, detail) => {
  const answer = await world.call('POST', '/v1/check-ins', { body });
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ code, detail });
});

test('a body that is not JSON is a 415', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const answer = await world.call('POST', '/v1/check-ins', { body: 'a=b', headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    expect(answer.body['code']).toBe('unsupportedMediaType');
  }
});

test('a body of more than 1 MiB is a 413', async () => {
  const body = JSON.stringify({ ...checkIn, customerId: 'x'.repeat(1024 * 1024) });
  const answer = await world.call('POST', '/v1/check-ins', { body });
  expect([answer.status, answer.body['code']]).toEqual([413, 'bodyTooLarge']);
});

test('a method that an address does not have is a 405 that lists those it has', async () => {
  const answer = await world.call('DELETE', '/v1/check-ins/chk_1');
  expect([answer.status, answer.body['code']]).toEqual([405, 'methodNotAllowed']);
  expect(answer.headers.get('allow')).toBe('GET, HEAD');
});

test('an address that is not well-formed is a 400', async () => {
  const answer = await world.call('GET', '/v1/check-ins/%zz');
  expect([answer.status, answer.body['code']]).toEqual([400, 'badRequest']);
});

test('bytes that are not HTTP get a problem and a closed connection', async () => {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
  socket.end('NONSENSE\r\n\r\n');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(text).toContain('application/problem+json');
});

test('a failure of ours says nothing about itself, and the log has it under the id of the request', async () => {
  const answer = await world.call('GET', '/readyz');
  expect([answer.status, answer.body['code']]).toEqual([500, 'internal']);
  expect(answer.text).not.toContain('secret-from-the-inside');
  expect(answer.text).not.toContain('.ts');
  const line = world
    .log()
    .split('\n')
    .find((each) => each.includes('secret-from-the-inside'));
  expect(line).toContain(String(answer.body['requestId']));
});

test('what failed because the database is away is a 503 that says when to come back', async () => {
  const answer = await world.call('GET', '/metrics');
  expect([answer.status, answer.body['code']]).toEqual([503, 'unavailable']);
  expect(answer.headers.get('retry-after')).toBe('1');
});

test('neither a token nor the address of a call is logged', async () => {
  await world.call('GET', '/v1/check-ins/00-00-5E-00-53-01', { token: 'a-token-nobody-has' });
  await world.call('GET', '/v1/check-ins/00-00-5E-00-53-01');
  expect(world.log()).not.toContain('a-token-nobody-has');
  expect(world.log()).not.toContain('admin-token-of-the-configuration');
  expect(world.log()).not.toContain('00-00-5E-00-53-01');
});
