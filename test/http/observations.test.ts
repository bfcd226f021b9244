import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Observation, ObservationDone } from '../../src/observation/observation.ts';
import { PushSource } from '../../src/sources/push/source.ts';
import { findSourceAmong } from '../../src/app-push.ts';
import { createToken } from '../../src/identity/tokens.ts';
import { plainTextRule } from '../../src/runtime/plain-text.ts';
import { signedHeaders, signingSecret } from '../support/signing.ts';
import { openWorld, type CallOptions, type World } from './world.ts';

const mia = '00-00-5E-00-53-01';
const hour = 3_600_000;
const otherSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let world: World;
let now: number;
let portal: PushSource;
let helper: PushSource;
let seen: Observation[];
/** What is behind the sources answers to each. */
let answer: (observation: Observation, done: ObservationDone) => void;

const aps = { type: 'radius', spaceId: 'hq', target: undefined };

beforeAll(async () => {
  const find = (id: string) => (id === 'aps' ? aps : findSourceAmong([portal, helper])(id));
  world = await openWorld({ ports: { findSource: find } });
});
afterAll(() => world[Symbol.asyncDispose]());

beforeEach(async () => {
  // Limits of the test before are over.
  world.clock.pass(60_000);
  now = world.clock.now();
  seen = [];
  answer = (_, done) => done('recorded');
  const sink = {
    observe(observation: Observation, done: ObservationDone): void {
      seen.push(observation);
      answer(observation, done);
    },
  };
  const ports = { clock: world.clock, sink, lateWindow: 24 * hour };
  const secret = { reveal: () => signingSecret };
  portal = new PushSource({ id: 'portal', space: 'hq', secret, previousSecret: { reveal: () => otherSecret } }, ports);
  helper = new PushSource({ id: 'helper', space: 'annex' }, ports);
  for (const source of [portal, helper]) await source.start();
});

const post = (body: unknown, options: CallOptions = {}) =>
  world.call('POST', '/v1/observations', { token: 'platform', ...options, body });

const push = (...observations: readonly object[]) => post({ sourceId: 'helper', observations });

function postSigned(batch: object, { at = now, secret = signingSecret, token = null as string | null } = {}) {
  const body = JSON.stringify(batch);
  return post(body, { token, headers: signedHeaders(body, at, { secret }) });
}

const portalBatch = { sourceId: 'portal', observations: [{ mac: mia, kind: 'active' }] };

describe('what is pushed', () => {
  test('each entry becomes an observation of the source, in its space', async () => {
    const at = now - 60_000;
    const inLisbon = new Date(at + hour).toISOString().replace('Z', '+01:00');
    const { status, body } = await push(
      {
        mac: '00005e005301',
        kind: 'associated',
        accessPoint: 'ap-1',
        ssid: 'Members',
        at: inLisbon,
      },
      { identity: ' Mia@example.org ', kind: 'left' },
      {
        mac: mia,
        identity: 'mia',
        identityKind: 'pskName',
        kind: 'active',
        ipAddress: '::ffff:192.0.2.7',
        hostname: 'm',
      },
    );
    expect([status, body]).toEqual([200, { recorded: 3, ignored: {}, notRecorded: 0 }]);
    const common = { sourceId: 'helper', spaceId: 'annex' };
    expect(seen).toEqual([
      { ...common, kind: 'associated', at, station: mia, accessPoint: 'ap-1', ssid: 'Members' },
      { ...common, kind: 'left', at: now, identities: [{ kind: 'portal', text: 'Mia@example.org' }] },
      {
        ...common,
        kind: 'active',
        at: now,
        station: mia,
        identities: [{ kind: 'pskName', text: 'mia' }],
        ipAddress: '192.0.2.7',
        hostname: 'm',
      },
    ]);
  });

  test('nothing happens later than now, and what is older than evidence may be is ignored', async () => {
    const { body } = await push(
      { mac: mia, kind: 'active', at: '2099-01-01T00:00:00Z' },
      { mac: mia, kind: 'active', at: new Date(now - 24 * hour).toISOString() },
      { mac: mia, kind: 'active', at: new Date(now - 24 * hour - 1).toISOString() },
      { mac: mia, kind: 'active', at: '1970-01-01T00:00:00Z' },
    );
    expect(body).toEqual({ recorded: 2, ignored: { tooOld: 2 }, notRecorded: 0 });
    expect(seen.map(({ at }) => at)).toEqual([now, now - 24 * hour]);
  });

  test('an identity that hides the person is left out, and is nothing without a station', async () => {
    const { body } = await push(
      { identity: 'anonymous@example.org', kind: 'active' },
      { identity: '@example.org', mac: mia, kind: 'active' },
    );
    expect(body).toEqual({ recorded: 1, ignored: { anonymous: 1 }, notRecorded: 0 });
    expect(seen.map(({ identities, station }) => [identities, station])).toEqual([[undefined, mia]]);
  });

  test('control characters in names of things are replaced', async () => {
    await push({ mac: mia, kind: 'active', ssid: 'a\u0000b', accessPoint: '\u001b[31m', hostname: '\ud800' });
    expect(seen[0]).toMatchObject({ ssid: 'a\u{FFFD}b', accessPoint: '\u{FFFD}[31m', hostname: '\u{FFFD}' });
  });

  test('what leads to nothing further on is told by reason', async () => {
    answer = ({ station }, done) => (station === mia ? done('recorded') : done('ignored', 'nobody'));
    const { body } = await push({ mac: mia, kind: 'active' }, { identity: 'who', kind: 'active' });
    expect(body).toEqual({ recorded: 1, ignored: { nobody: 1 }, notRecorded: 0 });
  });

  test('what could not be recorded is a 503 that says when to send all of it again', async () => {
    answer = ({ kind }, done) => done(kind === 'left' ? 'notRecorded' : 'recorded');
    const { status, body, headers } = await push({ mac: mia, kind: 'active' }, { mac: mia, kind: 'left' });
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'notRecorded', recorded: 1, notRecorded: 1 });
    expect(headers.get('retry-after')).toBe('1');
    expect(helper.status()).toMatchObject({ problem: expect.stringContaining('503') });
  });

  test('the answer comes only once all of it is recorded', async () => {
    const waiting: ObservationDone[] = [];
    answer = (_, done) => void waiting.push(done);
    let isAnswered = false;
    const answered = push({ mac: mia, kind: 'active' }, { mac: mia, kind: 'left' }).then((it) => {
      isAnswered = true;
      return it;
    });
    await expect.poll(() => waiting.length).toBe(2);
    waiting[0]?.('recorded');
    await new Promise(setImmediate);
    expect(isAnswered).toBe(false);
    waiting[1]?.('recorded');
    expect((await answered).body).toMatchObject({ recorded: 2 });
  });

  test('a source that is closing takes nothing, once what it has taken is recorded', async () => {
    await helper[Symbol.asyncDispose]();
    expect((await push({ mac: mia, kind: 'active' })).status).toBe(503);
    expect(seen).toEqual([]);
  });

  test('nothing at all is right too, and so are a thousand', async () => {
    expect((await push()).body).toMatchObject({ recorded: 0 });
    const thousand = Array.from({ length: 1_000 }, () => ({ mac: mia, kind: 'active' }));
    expect((await push(...thousand)).body).toMatchObject({ recorded: 1_000 });
    expect(helper.status()).toMatchObject({ state: 'up', observations: 1_000, lastObservationAt: now });
  });
});

describe('one entry at fault, and nothing is taken', () => {
  test.each([
    [{ kind: 'active' }, 'mac', 'give a mac, an identity, or both'],
    [
      { mac: '01-00-5E-00-00-01', kind: 'active' },
      'mac',
      'no device has this address: it is all zero, multicast or broadcast',
    ],
    [
      { mac: 'ff:ff:ff:ff:ff:ff', kind: 'active' },
      'mac',
      'no device has this address: it is all zero, multicast or broadcast',
    ],
    [
      { mac: '000000000000', kind: 'active' },
      'mac',
      'no device has this address: it is all zero, multicast or broadcast',
    ],
    [{ mac: 'phone', kind: 'active' }, 'mac', 'is not an address such as 00-00-5E-00-53-01'],
    [{ mac: mia }, 'kind', expect.stringContaining('"associated"|"active"|"left"')],
    [{ mac: mia, kind: 'joined' }, 'kind', expect.stringContaining('"associated"|"active"|"left"')],
    [{ mac: mia, kind: 'active', at: 'noon' }, 'at', expect.stringContaining('ISO 8601')],
    [{ mac: mia, kind: 'active', at: '2026-11-24T12:00:00' }, 'at', expect.stringContaining('ISO 8601')],
    [{ identity: '  ', kind: 'active' }, 'identity', 'must not be empty'],
    [{ identity: 'ö'.repeat(127), kind: 'active' }, 'identity', 'must be at most 253 bytes long'],
    [{ identity: 'mia\u0000', kind: 'active' }, 'identity', plainTextRule],
    [{ identity: '\ud800', kind: 'active' }, 'identity', plainTextRule],
    [
      { mac: mia, identityKind: 'portal', kind: 'active' },
      'identityKind',
      'says where an identity was read; there is none',
    ],
    [{ mac: mia, kind: 'active', ipAddress: '192.0.2' }, 'ipAddress', expect.stringContaining('192.0.2.7')],
    [{ mac: mia, kind: 'active', ipAddress: '2001:db8::1%eth0' }, 'ipAddress', expect.stringContaining('192.0.2.7')],
    [{ mac: mia, kind: 'active', rssi: -60 }, 'rssi', 'is not a field of this call'],
    [{ mac: null, kind: 'active' }, 'mac', 'expected string, received null'],
  ])('%j', async (entry, field, message) => {
    const { status, body } = await push({ mac: mia, kind: 'active' }, { mac: mia, kind: 'active' }, entry);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalidRequest', errors: [{ path: `observations[2].${field}`, message }] });
    expect(seen).toEqual([]);
  });

  test('more than a thousand, a body that is too large, and one that is no JSON', async () => {
    const many = Array.from({ length: 1_001 }, () => ({ mac: mia, kind: 'active' }));
    expect((await push(...many)).body).toMatchObject({
      status: 400,
      errors: [{ path: 'observations', message: 'must be at most 1000; send the rest in another batch' }],
    });
    expect((await post(`"${'x'.repeat(1_100_000)}"`)).body).toMatchObject({ status: 413, code: 'bodyTooLarge' });
    expect((await post('{')).body).toMatchObject({ status: 400, detail: 'the body is not valid JSON' });
    expect((await post('', { headers: { 'content-type': 'application/json' } })).status).toBe(400);
    expect((await post('[]')).status).toBe(400);
  });
});

describe('who may push', () => {
  test('a source that does not exist, that is not pushed to, or that lies in another space', async () => {
    const observations = [{ mac: mia, kind: 'active' }];
    expect((await post({ sourceId: 'nowhere', observations })).body).toMatchObject({
      status: 404,
      code: 'unknownSource',
    });
    const { body } = await post({ sourceId: 'aps', observations });
    expect(body).toMatchObject({ status: 422, code: 'notPushed', errors: [{ path: 'sourceId' }] });
    expect(String(body['detail'])).toContain('is of the type radius');
    const { token } = await createToken(world.db, world.clock, { name: 'hq', role: 'platform', spaceIds: ['hq'] });
    expect((await post({ sourceId: 'helper', observations }, { token })).status).toBe(404);
    expect((await post({ sourceId: 'PORTAL', observations }, { token })).body).toMatchObject({
      code: 'signatureRequired',
    });
  });

  test('a token alone does not do where the source has a secret, be it an admin’s', async () => {
    const { status, body, headers } = await world.call('POST', '/v1/observations', { body: portalBatch });
    expect([status, body['code']]).toEqual([401, 'signatureRequired']);
    expect(headers.get('www-authenticate')).toContain('Webhook-Signature');
    expect(seen).toEqual([]);
  });

  test('a signed batch needs no token, and may have one', async () => {
    expect((await postSigned(portalBatch)).body).toEqual({ recorded: 1, ignored: {}, notRecorded: 0 });
    expect((await postSigned(portalBatch, { token: 'platform' })).status).toBe(200);
    expect((await postSigned(portalBatch, { token: 'frontdesk' })).status).toBe(403);
    expect((await postSigned(portalBatch, { secret: otherSecret })).status).toBe(200);
  });

  test('the very bytes are verified: white space, order and escapes are the sender’s own', async () => {
    const body =
      ' { "observations" : [ {"kind":"active", "identity":"Zo\\u00eb \u{1F600}"} ],\n "sourceId":"portal" } ';
    expect((await post(body, { token: null, headers: signedHeaders(body, now) })).status).toBe(200);
    const changed = body.replace('active', 'left');
    expect((await post(changed, { token: null, headers: signedHeaders(body, now) })).status).toBe(401);
  });

  test('without a token, an unknown source, one without a secret and a wrong signature look alike', async () => {
    const answers = [
      await postSigned({ ...portalBatch, sourceId: 'nowhere' }),
      await postSigned({ ...portalBatch, sourceId: 'helper' }),
      await postSigned({ ...portalBatch, sourceId: 'aps' }),
      await postSigned({ observations: [] }),
      await postSigned({ ...portalBatch, observations: [{ colour: 'red' }] }, { secret: `whsec_${'A'.repeat(32)}` }),
    ];
    for (const { status, body } of answers) expect([status, body['code']]).toEqual([401, 'invalidSignature']);
    expect(new Set(answers.map(({ body }) => body['detail'])).size).toBe(1);
    expect(seen).toEqual([]);
  });

  test.each([-6, 6])('a batch that was signed %d minutes from now is refused by name', async (minutes) => {
    const { status, body } = await postSigned(portalBatch, { at: now + minutes * 60_000 });
    expect([status, body['code']]).toEqual([401, 'signatureExpired']);
  });

  test('what has no time of its own happened when the batch was signed, so that a replay changes nothing', async () => {
    const sentAt = now - 90_000;
    for (const _ of [1, 2, 3]) {
      expect((await postSigned(portalBatch, { at: sentAt })).body).toMatchObject({ recorded: 1 });
      world.clock.pass(30_000);
    }
    expect(new Set(seen.map((observation) => JSON.stringify(observation))).size).toBe(1);
    expect(seen[0]?.at).toBe(sentAt);
  });

  test('wrong signatures are shown beside the source, and are limited; good ones are served all the same', async () => {
    const wrong = () => postSigned(portalBatch, { secret: `whsec_${'A'.repeat(32)}` });
    expect(portal.status().problem).toBeUndefined();
    for (let i = 0; i < 20; i += 1) expect((await wrong()).status).toBe(401);
    expect(portal.status().problem).toMatch(/^batches with a wrong signature come from 127\.0\.0\.1: /);
    const { status, headers } = await wrong();
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    expect((await postSigned(portalBatch)).status).toBe(200);
    world.clock.pass(11 * 60_000);
    expect(portal.status().problem).toBeUndefined();
  });

  test('neither addresses nor identities nor the secret reach the log', async () => {
    const observations = [{ mac: mia, identity: 'mia@example.org', kind: 'active' }, { mac: 'mia@example.org' }];
    await postSigned({ ...portalBatch, observations });
    await postSigned({ ...portalBatch, observations: [observations[0]] });
    await push(...observations);
    for (const secret of [mia, 'mia@example.org', signingSecret]) expect(world.log()).not.toContain(secret);
  });
});
