import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from 'kysely';
import { createToken } from '../../src/identity/tokens.ts';
import { endOfDay } from '../../src/spaces/local-day.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const patch = (body: object) => world.call('PATCH', '/v1/me', { token: 'member', body });
const later = (ms: number): string => new Date(world.clock.now() + ms).toISOString();
const day = 86_400_000;

async function checkIn(customerId = 'member', spaceId = 'annex'): Promise<void> {
  await world.ledger.checkIn({ customerId, spaceId }, 'admin');
}

test('members choose what is kept of them, and what they leave out stays', async () => {
  expect((await patch({ hidden: true, shareName: false })).body).toMatchObject({ id: 'member', hidden: true });
  expect((await patch({ optedIn: false })).body).toMatchObject({ hidden: true, optedIn: false, name: 'Member' });
  expect(world.ports.privacy.isTracked('member')).toBe(false);
  expect((await patch({ optedIn: true, hidden: false })).body).toMatchObject({ hidden: false, optedIn: true });
  expect(world.ports.privacy.isTracked('member')).toBe(true);
  expect((await patch({ name: 'Mallory' })).body['errors']).toEqual([
    { path: 'name', message: 'is not a field of this call' },
  ]);
  expect((await world.call('PATCH', '/v1/me', { body: {} })).status).toBe(404);
});

test('a pause ends by itself, at the time that was said', async () => {
  const until = later(2 * 3_600_000);
  expect((await patch({ pausedUntil: until })).body['pausedUntil']).toBe(until);
  expect(world.ports.privacy.isTracked('member')).toBe(false);
  expect((await world.call('GET', '/v1/why?customerId=member')).body['counts']).toMatch(/paused/u);
  world.clock.pass(2 * 3_600_000);
  expect(world.ports.privacy.isTracked('member')).toBe(true);
  expect((await world.call('GET', '/v1/customers/member')).body['pausedUntil']).toBeNull();
});

test('a pause for today lasts until midnight where the member is, and can be taken back', async () => {
  await checkIn();
  expect((await patch({ pausedUntil: 'today' })).body['pausedUntil']).toBe('2026-11-25T00:00:00.000Z');
  expect((await patch({ pausedUntil: null })).body['pausedUntil']).toBeNull();
  expect(world.ports.privacy.isTracked('member')).toBe(true);
  expect(endOfDay(Date.parse('2026-03-29T00:30:00Z'), 'Europe/Berlin')).toBe(Date.parse('2026-03-29T22:00:00Z'));
  expect(endOfDay(Date.parse('2026-10-25T00:30:00Z'), 'Europe/Berlin')).toBe(Date.parse('2026-10-25T23:00:00Z'));
  expect(endOfDay(Date.parse('2026-11-24T23:59:59.999Z'), 'UTC')).toBe(Date.parse('2026-11-25T00:00:00Z'));
});

test.each([
  [-1, 'is over already'],
  [31 * day, 'lies more than 30 days ahead; to stop for good, set optedIn to false'],
])('a pause until %i ms from now is refused', async (ms, message) => {
  const answer = await patch({ pausedUntil: later(ms) });
  expect([answer.status, answer.body['errors']]).toEqual([400, [{ path: 'pausedUntil', message }]]);
  expect((await patch({ pausedUntil: 'tomorrow' })).body['errors']).toEqual([
    { path: 'pausedUntil', message: 'must be an ISO 8601 instant, "today", or null' },
  ]);
});

test('a hidden member is named to those who need to know, and to nobody else', async () => {
  await checkIn();
  await patch({ hidden: true });
  const seen = async (token: string) =>
    ((await world.call('GET', '/v1/presence?spaceId=annex', { token })).body['items'] as object[])[0];
  for (const token of ['frontdesk', 'platform']) {
    expect(await seen(token)).toMatchObject({ customerId: 'member', customerName: 'Member' });
  }
  expect(await seen('viewer')).toMatchObject({ customerId: null, customerName: 'Hidden member' });
});

test('an export holds everything, as JSON or as a table in which no cell is a formula', async () => {
  await world.call('PUT', '/v1/customers/member', {
    body: { name: '=HYPERLINK("http://example.org")', email: 'm@example.org', identities: ['M.Ember'] },
  });
  await world.call('PUT', '/v1/devices/00-00-5e-00-53-07', { body: { customerId: 'member', name: '+1' } });
  await world.call('POST', '/v1/customers/member/passes', { body: { kind: 'unlimited' } });
  await checkIn();
  const mine = await world.call('GET', '/v1/me/export', { token: 'member' });
  expect(mine.headers.get('content-disposition')).toBe('attachment; filename="rollcall-export-2026-11-24.json"');
  expect(mine.body).toMatchObject({
    exportedAt: '2026-11-24T09:00:00.000Z',
    customers: [{ id: 'member', email: 'm@example.org', identities: ['M.Ember'], createdAt: later(0) }],
    devices: [{ name: '+1', addresses: [{ mac: '00-00-5E-00-53-07', createdAt: later(0), retiredAt: null }] }],
    passes: [{ kind: 'unlimited' }],
    tokens: [{ role: 'member' }],
    presence: [],
    visits: [],
    checkIns: [{ state: 'open', startedAt: later(0), devices: [] }],
    events: [{ type: 'checkin.recorded', sequence: 1, at: later(0), data: { startedAt: later(0) } }],
    audit: ['me.export', 'pass.create', 'device.put', 'customer.put'].map((action) => ({ action })),
  });
  expect(mine.text).not.toMatch(/rc_|data_key|hash/u);
  const theirs = await world.call('GET', '/v1/customers/member/export', { token: 'platform' });
  expect({ ...theirs.body, audit: [] }).toEqual({ ...mine.body, audit: [] });
  expect((await world.call('GET', '/v1/customers/nobody/export')).status).toBe(404);

  const table = await world.call('GET', '/v1/me/export', { token: 'member', headers: { accept: 'text/csv' } });
  expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const lines = table.text.trimEnd().split('\r\n');
  expect(lines[0]).toBe('kind,id,spaceId,from,to,details');
  expect(lines.map((line) => line.split(',')[0])).toEqual([
    'kind',
    'customer',
    'device',
    'pass',
    'token',
    'checkIn',
    'event',
    // This export and the two before it, and what was done.
    ...Array.from({ length: 6 }, () => 'audit'),
  ]);
  expect(table.text).not.toMatch(/(?:^|,)"?[=+@-]/mu);
});

test('an export of years is whole, in the order of time', async () => {
  const rows = 1_203;
  await sql`
    insert into check_ins (id, customer_id, space_id, visit_id, state, method, methods, started_at, ended_at, last_activity_at,
      detected_at, check_out_method, check_out_reason, failure_reason, pass_id, plan_id, device_ids, created_at, updated_at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${sql.lit(rows)})
    select 'chk_' || i, 'member', 'hq', null, 'closed', 'admin', '["admin"]', i / 3, i / 3, i / 3, i, 'admin', 'manual', null, null, null,
      '[]', 1, 1 from n`.execute(world.db.write);
  const { body } = await world.call('GET', '/v1/me/export', { token: 'member' });
  const checkIns = body['checkIns'] as { id: string; startedAt: string }[];
  expect(new Set(checkIns.map(({ id }) => id)).size).toBe(rows);
  expect(checkIns.map(({ startedAt }) => startedAt)).toEqual(checkIns.map(({ startedAt }) => startedAt).toSorted());
});

test('members erase themselves only on purpose, and their token goes with them', async () => {
  const slip = await world.call('DELETE', '/v1/me', { token: 'member' });
  expect([slip.status, slip.body['code']]).toEqual([400, 'notConfirmed']);
  expect((await world.call('DELETE', '/v1/me?confirm=mia', { token: 'member' })).status).toBe(400);
  expect((await world.call('DELETE', '/v1/me?confirm=member', { token: 'member' })).status).toBe(204);
  expect((await world.call('GET', '/v1/me/export', { token: 'member' })).status).toBe(401);
  expect((await world.call('GET', '/v1/customers/member')).status).toBe(404);
});

test('an erased customer is out, unknown, and may come again as somebody new', async () => {
  await world.call('PUT', '/v1/customers/member', { body: { name: 'Mia Example' } });
  await checkIn();
  await createToken(world.db, world.clock, { role: 'member', name: 'Of a member', customerId: 'member' });
  expect((await world.call('DELETE', '/v1/customers/member', { token: 'platform' })).status).toBe(204);
  expect((await world.call('DELETE', '/v1/customers/member')).status).toBe(404);
  expect((await world.call('DELETE', '/v1/customers/_erased')).status).toBe(400);
  expect((await world.call('PUT', '/v1/customers/_erased', { body: { name: 'X' } })).status).toBe(400);
  expect((await world.call('GET', '/v1/presence')).body['items']).toEqual([]);
  const events = (await world.call('GET', '/v1/events')).body['items'] as { type: string; data: object }[];
  expect(events.map(({ type }) => type)).toEqual(['checkin.recorded', 'checkout.recorded', 'customer.erased']);
  expect(events[1]?.data).toMatchObject({ customerId: '_erased', checkOutReason: 'erased' });
  expect(events[2]?.data).toEqual({ customerId: 'member', idSalt: null, idSha256: null });
  expect((await world.call('PUT', '/v1/customers/member', { body: { name: 'Somebody' } })).status).toBe(201);
  expect((await world.call('GET', '/v1/customers/member/export')).body['checkIns']).toEqual([]);
});
