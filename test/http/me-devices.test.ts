import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { putCustomer } from '../../src/identity/customers.ts';
import { createToken } from '../../src/identity/tokens.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { at, laptop, openMeWorld, phone, watch, type MeWorld } from './me-world.ts';

const devices = '/v1/me/devices';

describe.each(databaseKinds)('a member and their devices (%s)', (kind) => {
  const databases = useDatabases(kind);
  let world: MeWorld;
  beforeAll(async () => {
    world = await openMeWorld((await databases.createConfig()).databaseUrl);
    world.stations.set('192.0.2.21', at(phone)).set('192.0.2.22', at(laptop)).set('192.0.2.23', at(watch));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const claim = (address: string, body: object = {}, token?: string) =>
    world.from(address, 'POST', devices, { body, ...(token !== undefined && { token }) });

  /** Another member, with a token of their own. */
  async function other(): Promise<string> {
    const { registry } = world.ports;
    await putCustomer(registry, 'noor', { name: 'Noor' });
    return (await createToken(registry.db, registry.clock, { name: 'noor', role: 'member', customerId: 'noor' })).token;
  }

  test('the device that calls is claimed, shown, changed and forgotten', async () => {
    const made = await claim('192.0.2.21', { name: 'Pixel', class: 'phone' });
    expect([made.status, made.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^dev_/) as string,
        mac: phone,
        random: true,
        name: 'Pixel',
        class: 'phone',
        createdAt: '2026-11-24T09:00:00.000Z',
        updatedAt: '2026-11-24T09:00:00.000Z',
        lastSeenAt: null,
        thisDevice: true,
      },
    ]);
    expect(await world.call('GET', `/v1/devices/${phone}`)).toMatchObject({ body: { customerId: 'member' } });
    const again = await claim('192.0.2.21');
    expect([again.status, again.body['id'], again.body['name']]).toEqual([200, made.body['id'], 'Pixel']);
    await claim('192.0.2.22', { class: 'laptop' });
    const { body } = await world.from('192.0.2.22', 'GET', devices);
    const thisDevice = Object.fromEntries(
      (body['items'] as { mac: string; thisDevice: boolean }[]).map((item) => [item.mac, item.thisDevice]),
    );
    expect(thisDevice).toEqual({ [phone]: false, [laptop]: true });

    const path = `${devices}/${phone}`;
    const changed = await world.from('192.0.2.22', 'PATCH', path, { body: { name: null, class: 'watch' } });
    expect(changed).toMatchObject({ status: 200, body: { name: null, class: 'watch', thisDevice: false } });
    expect((await world.from('192.0.2.22', 'DELETE', path)).status).toBe(204);
    expect((await world.from('192.0.2.22', 'DELETE', path)).status).toBe(404);
    expect((await world.from('192.0.2.22', 'PATCH', path, { body: {} })).status).toBe(404);
    expect((await world.from('192.0.2.22', 'DELETE', `${devices}/${laptop}`)).status).toBe(204);
  });

  test('of somebody else’s device a member is told that it is taken, and not whose; the claim is noted', async () => {
    const noor = await other();
    await claim('192.0.2.21', {}, noor);
    const taken = await claim('192.0.2.21');
    expect(taken).toMatchObject({ status: 409, body: { code: 'deviceTaken' } });
    expect(taken.text).not.toMatch(/noor|02-00-5E|customerId/);
    expect(world.refused).toEqual([`${phone} member`]);
    expect((await world.from('192.0.2.21', 'GET', `${devices}/this`)).body).toEqual({
      known: true,
      mac: '••-••-••-••-53-01',
      random: true,
      registered: 'someoneElse',
    });
    for (const [method, options] of [
      ['PATCH', { body: { name: 'mine' } }],
      ['DELETE', {}],
    ] as const) {
      expect((await world.from('192.0.2.21', method, `${devices}/${phone}`, options)).status).toBe(404);
    }
    expect((await world.call('GET', `/v1/devices/${phone}`)).body).toMatchObject({ customerId: 'noor', name: null });
    expect((await world.from('192.0.2.21', 'GET', devices)).body['items']).toEqual([]);
  });

  test('a claim that is repeated with the same key has one effect', async () => {
    const options = { body: { name: 'Pixel' }, headers: { 'idempotency-key': 'one' } };
    const first = await world.from('192.0.2.23', 'POST', devices, options);
    const second = await world.from('192.0.2.23', 'POST', devices, options);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body['id']).toBe(first.body['id']);
  });
});

describe('which device calls', () => {
  let world: MeWorld;
  beforeAll(async () => {
    world = await openMeWorld();
    world.stations.set('192.0.2.21', at(phone)).set('192.0.2.22', at(laptop));
  });
  afterAll(() => world[Symbol.asyncDispose]());
  // What a member may try again by then.
  beforeEach(() => world.clock.pass(600_000));

  const claim = (address: string, body: object = {}) => world.from(address, 'POST', devices, { body });

  test('is said by nobody but the network: a body or another header names none', async () => {
    const named = await claim('192.0.2.21', { mac: laptop });
    expect(named).toMatchObject({ status: 400, body: { code: 'invalidRequest', errors: [{ path: 'mac' }] } });
    const headers = { 'x-real-ip': '192.0.2.22', forwarded: 'for=192.0.2.22', 'x-mac': laptop };
    const claimed = await world.from('192.0.2.21', 'POST', devices, { body: {}, headers });
    expect(claimed.body).toMatchObject({ mac: phone });
    // Of a chain, what the trusted proxy has added is believed, and what stood there before is not.
    expect((await claim('192.0.2.22, 192.0.2.21')).body).toMatchObject({ mac: phone });
  });

  test.each([
    ['127.0.0.1', 422, 'deviceUnknown', 'thisMachine', /http\.trustProxy/],
    ['192.0.2.250', 422, 'deviceUnknown', 'untrustedProxy', /http\.trustProxy/],
    ['192.0.2.99', 422, 'deviceUnknown', 'unknownAddress', /join the Wi-Fi/],
    ['not an address', 422, 'deviceUnknown', 'unknownAddress', /join the Wi-Fi/],
    ['192.0.2.30', 422, 'deviceUnknown', 'ambiguous', /join it again/],
    ['192.0.2.31', 409, 'deviceShared', 'shared', /several devices share/],
  ])(
    'from %s it is not known, and the answer says why and what to do',
    async (address, status, code, reason, detail) => {
      world.stations
        .set('192.0.2.30', { known: false, reason: 'ambiguous' })
        .set('192.0.2.31', { known: false, reason: 'shared' });
      expect(await claim(address)).toMatchObject({
        status,
        body: { code, reason, detail: expect.stringMatching(detail) as string },
      });
      const shown = await world.from(address, 'GET', `${devices}/this`);
      expect(shown).toMatchObject({
        status: 200,
        body: { known: false, reason, help: expect.stringMatching(detail) as string },
      });
    },
  );

  /** A call that comes straight from an address of the network. */
  const direct = (remoteAddress: string, headers: Record<string, string> = {}) =>
    world.app.inject({
      method: 'POST',
      url: devices,
      remoteAddress,
      headers: { authorization: `Bearer ${world.made['member']?.token}`, ...headers },
      payload: {},
    });

  test('a connection without a proxy is its own witness', async () => {
    expect((await direct('192.0.2.21')).json()).toMatchObject({ mac: phone });
    expect((await direct('::ffff:192.0.2.22')).json()).toMatchObject({ mac: laptop });
  });

  test.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])(
    'what somebody who is no trusted proxy writes into %s is not believed',
    async (header) => {
      const answer = await direct('192.0.2.22', { [header]: '192.0.2.21' });
      expect([answer.statusCode, answer.json<object>()]).toMatchObject([422, { reason: 'untrustedProxy' }]);
      expect(world.refused).toEqual([]);
    },
  );

  test('a member may not try many addresses: claims are limited by token', async () => {
    const answers: number[] = [];
    for (let tail = 100; tail < 112; tail += 1) answers.push((await claim(`192.0.2.${tail}`)).status);
    expect(answers.slice(0, 10).every((status) => status === 422)).toBe(true);
    const limited = await claim('192.0.2.21');
    expect(limited).toMatchObject({ status: 429, body: { code: 'tooManyRequests' } });
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    world.clock.pass(60_000);
    expect((await claim('192.0.2.21')).status).toBeLessThan(300);
  });

  test('an admin’s token belongs to no member, and that is said', async () => {
    const answer = await world.call('POST', devices, { body: {} });
    expect(answer).toMatchObject({ status: 404, body: { code: 'noMember' } });
  });
});
