import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import {
  isSignedBy,
  parseWebhookSecret,
  readWebhookSignature,
  signWebhook,
  timestampTolerance,
  type WebhookSignature,
} from '../../src/runtime/standard-webhooks.ts';

const now = Math.floor(Date.now() / 1000) * 1000;
const body = '{"name":"Zoë"}';
const secret = secretOf(randomBytes(32));
const key = parseWebhookSecret(secret) as Buffer;

function secretOf(bytes: Buffer): string {
  return `whsec_${bytes.toString('base64')}`;
}

function headersOf(signature: string, at = now) {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(at / 1000),
    'webhook-signature': signature,
  };
}

function read(signature: string): WebhookSignature {
  const found = readWebhookSignature(headersOf(signature), now);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const isGenuine = (signature: string, bytes = body, keys = [key]) =>
  isSignedBy(keys, read(signature), Buffer.from(bytes));

test('what the reference library signs is genuine here, and the other way round', () => {
  const reference = new Webhook(secret);
  expect(isGenuine(reference.sign('msg_1', new Date(now), body))).toBe(true);
  const ours = signWebhook(key, { id: 'msg_1', timestamp: now / 1000 }, Buffer.from(body));
  expect(reference.verify(body, headersOf(ours))).toEqual({ name: 'Zoë' });
});

test('the example of the specification is genuine', () => {
  const specified = parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') as Buffer;
  const head = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: '1614265330' };
  const signatures = ['v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='];
  expect(isSignedBy([specified], { ...head, signatures }, Buffer.from('{"test": 2432232314}'))).toBe(true);
});

test('one good signature among several is enough, and so is one of two keys', () => {
  const good = signWebhook(key, { id: 'msg_1', timestamp: now / 1000 }, Buffer.from(body));
  const other = randomBytes(32);
  const wrong = signWebhook(other, { id: 'msg_1', timestamp: now / 1000 }, Buffer.from(body));
  expect(isGenuine(`v1a,AAAA ${wrong} ${good}`)).toBe(true);
  expect(isGenuine(wrong)).toBe(false);
  expect(isGenuine(wrong, body, [key, other])).toBe(true);
});

test('a changed body, id, timestamp or signature is not genuine', () => {
  const good = signWebhook(key, { id: 'msg_1', timestamp: now / 1000 }, Buffer.from(body));
  expect(isGenuine(good, `${body} `)).toBe(false);
  expect(isSignedBy([key], { ...read(good), id: 'msg_2' }, Buffer.from(body))).toBe(false);
  expect(isSignedBy([key], { ...read(good), timestamp: String(now / 1000 - 1) }, Buffer.from(body))).toBe(false);
  for (const signature of ['v1,', 'v1,AAAA', good.slice(0, -4), `v1,${'A'.repeat(43)}=`]) {
    expect(isGenuine(signature)).toBe(false);
  }
});

describe('headers that leave nothing to verify are told apart', () => {
  const good = headersOf('v1,AAAA');
  test.each([
    [{ ...good, 'webhook-id': undefined }, 'noId'],
    [{ ...good, 'webhook-id': '' }, 'noId'],
    [{ ...good, 'webhook-timestamp': undefined }, 'noTimestamp'],
    [{ ...good, 'webhook-timestamp': new Date(now).toISOString() }, 'noTimestamp'],
    [{ ...good, 'webhook-timestamp': '-1' }, 'noTimestamp'],
    [{ ...good, 'webhook-signature': undefined }, 'noSignature'],
    [{ ...good, 'webhook-signature': 'v2,AAAA' }, 'noSignature'],
    [headersOf('v1,AAAA', now - timestampTolerance - 1000), 'notFromNow'],
    [headersOf('v1,AAAA', now + timestampTolerance + 1000), 'notFromNow'],
  ])('%j: %s', (headers, fault) => {
    expect(readWebhookSignature(headers, now)).toBe(fault);
  });

  test.each([-timestampTolerance, 0, timestampTolerance])('a clock that is %d ms off is right enough', (offMs) => {
    expect(readWebhookSignature(headersOf('v1,AAAA', now + offMs), now)).toMatchObject({ sentAt: now + offMs });
  });
});

test.each([
  ['no prefix', randomBytes(32).toString('base64')],
  ['another prefix', `whpk_${randomBytes(32).toString('base64')}`],
  ['23 bytes', secretOf(randomBytes(23))],
  ['65 bytes', secretOf(randomBytes(65))],
  ['no base64', `whsec_${'!'.repeat(40)}`],
  ['base64 without its padding', secretOf(randomBytes(25)).replaceAll('=', '')],
  ['nothing', 'whsec_'],
])('%s is no secret', (_, text) => {
  expect(parseWebhookSecret(text)).toBeUndefined();
});

test.each([24, 25, 32, 64])('%d bytes are a secret', (length) => {
  const bytes = randomBytes(length);
  expect(parseWebhookSecret(secretOf(bytes))).toEqual(bytes);
});
