import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyAudit } from '../../src/db/audit-chain.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { allow } from '../../src/http/access.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { openWorld, type World } from './world.ts';

/** What each call is in the audit log. Those that are not there show nobody, or say why not. */
const table: Readonly<Record<string, string | { readonly none: true }>> = {
  'GET /metrics': { none: true },
  'POST /v1/setup': 'token.create',
  'PUT /v1/customers/:id': 'customer.put',
  'GET /v1/customers/:id': 'customer.read',
  'GET /v1/customers': 'customer.list',
  'PUT /v1/devices/:mac': 'device.put',
  'GET /v1/devices/:mac': 'device.read',
  'GET /v1/devices': 'device.list',
  'DELETE /v1/devices/:mac': 'device.delete',
  'GET /v1/devices/unregistered': 'device.unregistered',
  'POST /v1/devices/unregistered/:id/assign': 'device.assign',
  'POST /v1/customers/:id/passes': 'pass.create',
  'GET /v1/customers/:id/passes': 'pass.list',
  'DELETE /v1/passes/:id': 'pass.revoke',
  'GET /v1/spaces': { none: true },
  'GET /v1/spaces/:id': { none: true },
  'GET /v1/presence': { none: true },
  'GET /v1/why': 'why.read',
  'GET /v1/check-ins': 'checkIn.list',
  'GET /v1/check-ins/:id': 'checkIn.read',
  'POST /v1/check-ins': 'checkIn.create',
  'POST /v1/check-ins/:id/check-out': 'checkIn.checkOut',
  'POST /v1/check-ins/:id/void': 'checkIn.void',
  'GET /v1/events': { none: true },
  'GET /v1/sources': { none: true },
  'GET /v1/audit': 'audit.read',
  'DELETE /v1/customers/:id': 'customer.erased',
  'GET /v1/customers/:id/export': 'customer.export',
  'GET /v1/devices/conflicts': 'conflict.list',
  'POST /v1/devices/conflicts/:id/settle': 'conflict.settle',
  'POST /v1/devices/import': 'device.import',
  'POST /v1/devices/batch': 'device.import',
  'POST /v1/observations': { none: true },
  'GET /v1/me': 'me.read',
  'GET /v1/me/why': 'me.why',
  'GET /v1/me/export': 'me.export',
  'PATCH /v1/me': 'me.change',
  'DELETE /v1/me': 'me.erased',
  'GET /v1/me/devices': 'me.read',
  'GET /v1/me/devices/this': 'me.read',
  'POST /v1/me/devices': 'me.device.claim',
  'PATCH /v1/me/devices/:mac': 'me.change',
  'DELETE /v1/me/devices/:mac': 'me.device.delete',
};

describe.each(databaseKinds)('the audit log on %s', (kind) => {
  let world: World;
  /** The last line before the test. */
  let before = 0;
  const databases = useDatabases(kind);
  beforeAll(async () => {
    const { databaseUrl } = await databases.createConfig();
    world = await openWorld({ databaseUrl });
  });
  beforeEach(async () => {
    const newest = await world.db.read
      .selectFrom('audit')
      .select('sequence')
      .orderBy('sequence', 'desc')
      .executeTakeFirst();
    before = newest?.sequence ?? 0;
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** The lines of this test, oldest first, without its own look-ups. */
  async function lines(query = ''): Promise<Record<string, unknown>[]> {
    const { body, status } = await world.call('GET', `/v1/audit?limit=500${query}`);
    expect(status).toBe(200);
    return (body['items'] as Record<string, unknown>[])
      .filter(({ action, sequence }) => action !== 'audit.read' && Number(sequence) > before)
      .toReversed();
  }

  const told = async (query = '') =>
    (await lines(query)).map(({ actor, action, customerId, outcome }) => [actor, action, customerId, outcome]);

  describe('every call', () => {
    test('that changes something, or that not everyone may read, says what the audit log calls it', async () => {
      const found: [string, unknown][] = [];
      const app = createHttpServer(world.ports);
      app.addHook('onRoute', ({ url, method, config, schema }: RouteOptions) => {
        const { access, audit } = config ?? {};
        const methods = [method].flat().filter((each) => each !== 'HEAD');
        const isHidden = schema?.hide === true;
        const isPublic = access?.open === 'everyone' && methods.every((each) => each === 'GET');
        if (isHidden || isPublic || methods.length === 0) return;
        found.push([`${methods.join()} ${url}`, typeof audit === 'string' ? audit : { none: audit?.none !== '' }]);
      });
      await app.ready();
      await app.close();
      expect(Object.fromEntries(found)).toEqual(table);
    });

    test('that does not say so is refused when the server is put together', () => {
      const app = createHttpServer(world.ports);
      const add = () =>
        app.route({ method: 'POST', url: '/v1/more', config: { access: allow() }, handler: async () => undefined });
      expect(add).toThrow('the route /v1/more does not say what the audit log calls it');
    });
  });

  describe('a change', () => {
    test('is told with who made it, about whom, and what was given', async () => {
      const mia = { name: 'Mia Sand', email: 'mia@example.org' };
      await world.call('PUT', '/v1/customers/mia', { token: 'platform', body: mia });
      const device = await world.call('PUT', '/v1/devices/00-00-5E-00-53-01', {
        token: 'frontdesk',
        body: { customerId: 'mia', name: 'Pixel', class: 'phone' },
      });
      const pass = await world.call('POST', '/v1/customers/mia/passes', { body: { kind: 'unlimited' } });
      const checkIn = await world.call('POST', '/v1/check-ins', { body: { customerId: 'mia', spaceId: 'hq' } });
      const chk = String(checkIn.body['id']);
      await world.call('POST', `/v1/check-ins/${chk}/check-out`, { body: {} });
      await world.call('POST', `/v1/check-ins/${chk}/void`, { body: { reason: 'a mistake' } });
      await world.call('DELETE', `/v1/passes/${String(pass.body['id'])}`);
      await world.call('DELETE', '/v1/devices/00-00-5E-00-53-01');
      const at = '2026-11-24T09:00:00.000Z';
      const admin = { actor: 'config', actorRole: 'admin', at, customerId: 'mia', outcome: 'done', spaceId: null };
      const hq = { ...admin, spaceId: 'hq', objectId: chk };
      const found = await lines('&customerId=mia');
      const subject = found[0]?.['subject'];
      expect(subject).toMatch(/^[\w-]{22}$/);
      expect(
        found.map((line) =>
          Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'sequence' && name !== 'subject')),
        ),
      ).toEqual([
        {
          ...admin,
          actor: world.made['platform']?.id,
          actorRole: 'platform',
          action: 'customer.put',
          objectId: null,
          details: mia,
        },
        {
          ...admin,
          actor: world.made['frontdesk']?.id,
          actorRole: 'frontdesk',
          action: 'device.put',
          objectId: device.body['id'],
          details: { name: 'Pixel', class: 'phone' },
        },
        { ...admin, action: 'pass.create', objectId: pass.body['id'], details: { kind: 'unlimited' } },
        { ...hq, action: 'checkIn.create', details: null },
        { ...hq, action: 'checkIn.checkOut', details: null },
        { ...hq, action: 'checkIn.void', details: { reason: 'a mistake' } },
        { ...admin, action: 'pass.revoke', objectId: pass.body['id'], details: null },
        { ...admin, action: 'device.delete', objectId: device.body['id'], details: { name: 'Pixel' } },
      ]);
      const text = JSON.stringify(await world.db.read.selectFrom('audit').selectAll().execute());
      // Whole texts: three letters stand in what is sealed by chance.
      for (const secret of ['"mia"', 'mia@example.org', 'Mia Sand', 'Pixel', '00-00-5E', 'mistake'])
        expect(text).not.toContain(secret);
    });

    test('that a rule refuses leaves no line, and one that was recorded as a failure says so', async () => {
      await world.call('PUT', '/v1/customers/ben', { body: { name: 'ben' } });
      await world.call('PUT', '/v1/devices/00-00-5E-00-53-01', { body: { customerId: 'nobody' } });
      await world.call('POST', '/v1/check-ins', { body: { customerId: 'ben', spaceId: 'hq' } });
      expect(await told()).toEqual([
        ['config', 'customer.put', 'ben', 'done'],
        ['config', 'checkIn.create', 'ben', 'failed'],
      ]);
    });

    test('that is a repeat is told as one that changed nothing', async () => {
      await world.call('PUT', '/v1/customers/mia', { body: { name: 'mia' } });
      for (const _time of [1, 2]) {
        const headers = { 'idempotency-key': 'k1' };
        await world.call('POST', '/v1/customers/mia/passes', { body: { kind: 'unlimited' }, headers });
      }
      expect((await told()).slice(1)).toEqual([
        ['config', 'pass.create', 'mia', 'done'],
        ['config', 'pass.create', 'mia', 'unchanged'],
      ]);
    });

    test('is undone when its line cannot be written', async () => {
      await world.db.write.schema.alterTable('audit').renameTo('elsewhere').execute();
      const { status } = await world.call('PUT', '/v1/customers/zoe', { body: { name: 'zoe' } });
      await world.db.write.schema.alterTable('elsewhere').renameTo('audit').execute();
      expect(status).toBe(500);
      expect((await world.call('GET', '/v1/customers/zoe')).status).toBe(404);
    });
  });

  describe('a look-up', () => {
    const lookUps = [
      ['/v1/customers/member', 'customer.read', 'member'],
      ['/v1/customers', 'customer.list', null],
      ['/v1/customers/member/passes', 'pass.list', 'member'],
      ['/v1/devices?customerId=member', 'device.list', 'member'],
      ['/v1/devices/00-00-5E-00-53-01', 'device.read', 'member'],
      ['/v1/devices/unregistered', 'device.unregistered', null],
      ['/v1/why?mac=00-00-5E-00-53-01', 'why.read', 'member'],
      ['/v1/check-ins?customerId=member', 'checkIn.list', 'member'],
    ] as const;

    test('is told with whom it was about', async () => {
      await world.call('PUT', '/v1/devices/00-00-5E-00-53-01', { body: { customerId: 'member' } });
      for (const [path] of lookUps) {
        expect([path, (await world.call('GET', path, { token: 'frontdesk' })).status]).toEqual([path, 200]);
      }
      const frontdesk = world.made['frontdesk']?.id;
      expect((await told()).slice(1)).toEqual(
        lookUps.map(([, action, customerId]) => [frontdesk, action, customerId, 'done']),
      );
    });

    test('is not answered when its line cannot be written', async () => {
      await world.db.write.schema.alterTable('audit').renameTo('elsewhere').execute();
      const { status, text } = await world.call('GET', '/v1/customers/member');
      await world.db.write.schema.alterTable('elsewhere').renameTo('audit').execute();
      expect([status, text.includes('Member')]).toEqual([500, false]);
    });

    test('of the audit log is told too, and what a role may not do', async () => {
      await world.call('GET', '/v1/audit', { token: 'viewer' });
      await world.call('GET', '/v1/audit?actor=config');
      const { body } = await world.call('GET', '/v1/audit?limit=2');
      const found = (body['items'] as Record<string, unknown>[]).map(({ actor, outcome }) => [actor, outcome]);
      expect(found).toEqual([
        ['config', 'done'],
        [world.made['viewer']?.id, 'forbidden'],
      ]);
    });

    test('of many at once leaves a line each, in one chain', async () => {
      const all = await Promise.all(Array.from({ length: 100 }, () => world.call('GET', '/v1/customers/member')));
      expect(all.every(({ status }) => status === 200)).toBe(true);
      expect(await lines()).toHaveLength(100);
      const { keys } = world.db.audit;
      expect(await verifyAudit({ db: world.db.read, sign: keys.sign })).not.toHaveProperty('broken');
    });
  });

  test('the list comes in pages, newest first, and is filtered by time, actor and action', async () => {
    for (const id of ['a', 'b', 'c']) {
      await world.call('PUT', `/v1/customers/${id}`, {
        body: { name: id },
        ...(id === 'c' ? { token: 'platform' } : {}),
      });
      world.clock.pass(1_000);
    }
    const from = new Date(world.clock.now()).toISOString();
    await world.call('PUT', '/v1/customers/d', { body: { name: 'd' } });
    const page = await world.call('GET', '/v1/audit?limit=1&action=customer.put');
    const next = await world.call(
      'GET',
      `/v1/audit?limit=1&action=customer.put&cursor=${String(page.body['nextCursor'])}`,
    );
    const ids = [page, next].map(({ body }) => (body['items'] as Record<string, unknown>[])[0]?.['customerId']);
    expect(ids).toEqual(['d', 'c']);
    expect(await told(`&actor=${world.made['platform']?.id}`)).toHaveLength(1);
    expect(await told(`&from=${from}`)).toEqual([['config', 'customer.put', 'd', 'done']]);
    expect((await world.call('GET', '/v1/audit?action=nonsense')).status).toBe(400);
    expect((await world.call('GET', '/v1/audit?cursor=nonsense')).status).toBe(400);
  });

  test('whoever is erased takes the details along, and leaves lines that still fit', async () => {
    await world.call('PUT', '/v1/customers/noor', { body: { name: 'Noor Sand' } });
    await world.db.write.deleteFrom('customers').where('id', '=', 'noor').execute();
    expect(await lines('&customerId=noor')).toMatchObject([
      { action: 'customer.put', customerId: null, details: null },
    ]);
    const { keys } = world.db.audit;
    expect(await verifyAudit({ db: world.db.read, sign: keys.sign })).not.toHaveProperty('broken');
  });
});
