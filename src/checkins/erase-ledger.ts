import { sql, type Selectable, type Transaction } from 'kysely';
import { bulkInsert } from '../db/bulk.ts';
import type { Database } from '../db/database.ts';
import { inRegistryTransaction } from '../db/registry-transaction.ts';
import type { EventTable, Schema } from '../db/schema.ts';
import { erasedCustomerId } from '../identity/customers.ts';
import type { Registry } from '../identity/registry.ts';
import type { CheckIn } from './check-in.ts';
import { erasedEventData, peopleOfConflict, withoutPerson } from './erased-event.ts';
import type { EventDraft } from './event.ts';
import { holdEvents, inLedgerTransaction, writeChanges } from './ledger-transaction.ts';
import { toCheckIn, toVisit } from './rows.ts';
import type { Visit } from './visit.ts';

/** An erasure that is under way. */
export type Erasure = { readonly hash: string; readonly customerId: string; readonly askedAt: number };

/** What a step appended to the ledger, for whoever follows it. */
export type Appended = { readonly lastSequence: number; readonly events: readonly EventDraft[] } | undefined;

type Trx = Transaction<Schema>;

const rowsPerStep = 1_000;

/**
 * From here on the erasure goes on by itself, however often it is interrupted. The customer counts as not opted in, so that nothing comes
 * to be known while it is at work. Undefined when there is nobody to erase. `onlyBefore`: not somebody who came later under the same id.
 */
export async function beginErasure(
  { db, clock, vault }: Registry,
  customerId: string,
  onlyBefore = Infinity,
): Promise<Erasure | undefined> {
  if (customerId === erasedCustomerId) return undefined;
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const hash = vault.erasedHash(customerId);
    const before = await trx.selectFrom('erasures').selectAll().where('hash', '=', hash).executeTakeFirst();
    if (before !== undefined && before.customer_id !== null) return { hash, customerId, askedAt: before.asked_at };
    const customer = await trx
      .selectFrom('customers')
      .select('created_at')
      .where('id', '=', customerId)
      .executeTakeFirst();
    if (customer === undefined || customer.created_at > onlyBefore) return undefined;
    const askedAt = Math.max(clock.now(), customer.created_at);
    const row = { hash, customer_id: customerId, asked_at: askedAt, done_at: null };
    await trx
      .insertInto('erasures')
      .values(row)
      .onConflict((conflict) => conflict.column('hash').doUpdateSet(row))
      .execute();
    await trx.updateTable('customers').set({ opted_in: 0 }).where('id', '=', customerId).execute();
    note('customer', customerId);
    audit({ customerId });
    return { hash, customerId, askedAt };
  });
}

/** Whoever is in is out, at their last activity: the network's visits that presence did not end, and what was checked in by hand. */
export async function closeAll(db: Database, erasure: Erasure, now: number): Promise<Appended> {
  return await inLedgerTransaction(db, async (trx) => {
    if (!(await isAtWork(trx, erasure))) return undefined;
    await forgetKeys(trx, erasure.customerId);
    return await closeOpen(trx, db.kind, erasure.customerId, now);
  });
}

/** Takes the person out of a part of their history; false once there is no more. Short, since the recorder waits meanwhile. */
export async function anonymiseSome(db: Database, erasure: Erasure): Promise<boolean> {
  return await inLedgerTransaction(db, async (trx) => {
    if (!(await isAtWork(trx, erasure))) return false;
    await ensureErasedCustomer(trx);
    return await anonymise(trx, db.kind, erasure.customerId);
  });
}

/** The rest, in one: after it the customer is not there any more. Undefined events when that was so before. */
export async function removeCustomer({ db, clock }: Registry, erasure: Erasure): Promise<Appended> {
  const { customerId } = erasure;
  return await inRegistryTransaction(db, clock, async (trx, note) => {
    await holdEvents(trx, db.kind);
    const person = await trx.selectFrom('customers').selectAll().where('id', '=', customerId).executeTakeFirst();
    if (person === undefined || !(await isAtWork(trx, erasure))) return undefined;
    await ensureErasedCustomer(trx);
    const now = clock.now();
    await forgetKeys(trx, customerId);
    const closed = await closeOpen(trx, db.kind, customerId, now);
    while (await anonymise(trx, db.kind, customerId));
    const identities = await trx
      .selectFrom('identities')
      .select('identity')
      .where('customer_id', '=', customerId)
      .execute();
    const addresses = await trx
      .selectFrom('device_addresses')
      .innerJoin('devices', 'devices.id', 'device_addresses.device_id')
      .select('hash')
      .where('customer_id', '=', customerId)
      .execute();
    const tokens = await trx.selectFrom('tokens').select('id').where('customer_id', '=', customerId).execute();
    // Devices, addresses, identities, passes, tokens and choices go with it.
    await trx.deleteFrom('customers').where('id', '=', customerId).execute();
    for (const { hash } of addresses) note('address', hash);
    for (const { id } of tokens) note('token', id);
    note('identity', customerId);
    note('customer', customerId);
    const data = erasedEventData({ ...person, identities: identities.map(({ identity }) => identity) });
    const events: EventDraft[] = [{ type: 'customer.erased', at: now, data }];
    const lastSequence = await writeChanges(trx, db.kind, { visits: [], checkIns: [], events }, now);
    return lastSequence === undefined ? undefined : { lastSequence, events: [...(closed?.events ?? []), ...events] };
  });
}

/** The id itself goes: from what other nodes follow, and from the erasure. A node that has not followed yet loads everything. */
export async function forgetId({ db, clock }: Registry, { hash, customerId, askedAt }: Erasure): Promise<void> {
  await inRegistryTransaction(db, clock, async (trx) => {
    await trx
      .updateTable('changes')
      .set({ kind: 'everything', key: '' })
      .where('key', '=', customerId)
      .where('kind', 'in', ['customer', 'identity'])
      .execute();
    await trx
      .updateTable('erasures')
      .set({ customer_id: null })
      .where('hash', '=', hash)
      .where('asked_at', '=', askedAt)
      .execute();
  });
}

/** While an erasure is at work nobody new can come under its id, so whoever has the id is the one to be erased. */
export async function isAtWork(trx: Pick<Trx, 'selectFrom'>, { hash, customerId, askedAt }: Erasure): Promise<boolean> {
  const row = await trx
    .selectFrom('erasures')
    .select('hash')
    .where('hash', '=', hash)
    .where('customer_id', '=', customerId)
    .where('asked_at', '=', askedAt)
    .executeTakeFirst();
  return row !== undefined;
}

async function closeOpen(trx: Trx, kind: Database['kind'], customerId: string, now: number): Promise<Appended> {
  const visits = await trx
    .selectFrom('visits')
    .selectAll()
    .where('customer_id', '=', customerId)
    .where('departed_at', 'is', null)
    .execute();
  const open = await trx
    .selectFrom('check_ins')
    .selectAll()
    .where('customer_id', '=', customerId)
    .where('state', '=', 'open')
    .execute();
  if (visits.length + open.length === 0) return undefined;
  const closed = visits.map((row) => endVisit(toVisit(row), now));
  const checkOuts = open.map((row) => checkOut(toCheckIn(row), now));
  const events: EventDraft[] = [
    ...closed.map(({ id, departedAt: _departed, revision: _revision, runs: _runs, ...visit }): EventDraft => {
      return { type: 'presence.departed', at: now, data: { visitId: id, ...visit, detectedAt: now } };
    }),
    ...checkOuts.map((data): EventDraft => ({ type: 'checkout.recorded', at: now, data })),
  ];
  const lastSequence = await writeChanges(trx, kind, { visits: closed, checkIns: checkOuts, events }, now);
  return lastSequence === undefined ? undefined : { lastSequence, events };
}

function endVisit(visit: Visit, now: number) {
  return { ...visit, departedAt: Math.max(now, visit.lastActivityAt), reason: 'erased', runs: [] } as const;
}

function checkOut(open: CheckIn, now: number): CheckIn {
  const endedAt = open.lastActivityAt;
  const end = { endedAt, detectedAt: Math.max(now, endedAt), checkOutMethod: null, checkOutReason: 'erased' } as const;
  return { ...open, ...end, state: 'closed' };
}

async function anonymise(trx: Trx, kind: Database['kind'], customerId: string): Promise<boolean> {
  const checkIns = await trx
    .updateTable('check_ins')
    .set({ customer_id: erasedCustomerId, pass_id: null, device_ids: '[]' })
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('check_ins')
        .select('id')
        .where('customer_id', '=', customerId)
        .where('state', '!=', 'open')
        .limit(rowsPerStep),
    )
    .executeTakeFirst();
  const visits = await trx
    .updateTable('visits')
    .set({ customer_id: erasedCustomerId, runs: '[]' })
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('visits')
        .select('id')
        .where('customer_id', '=', customerId)
        .where('departed_at', 'is not', null)
        .limit(rowsPerStep),
    )
    .executeTakeFirst();
  const events = await eventsAbout(trx, customerId);
  await bulkInsert(trx, kind, 'events', events, { key: 'sequence', update: ['customer_id', 'data'] });
  return checkIns.numUpdatedRows + visits.numUpdatedRows > 0n || events.length > 0;
}

/** Events that speak of the person, as they are to be. */
async function eventsAbout(trx: Trx, customerId: string): Promise<Selectable<EventTable>[]> {
  const own = await trx
    .selectFrom('events')
    .selectAll()
    .where('customer_id', '=', customerId)
    .orderBy('sequence')
    .limit(rowsPerStep)
    .execute();
  const naming = await trx
    .selectFrom('events')
    .selectAll()
    .where('type', '=', sql.lit('device.conflict'))
    .where('data', 'like', `%":"${customerId}"%`)
    .orderBy('sequence')
    .limit(rowsPerStep)
    .execute();
  // An `_` of an id stands for any character there.
  const others = naming.filter(({ data, customer_id: id }) => {
    const named = JSON.parse(data) as Readonly<Record<string, unknown>>;
    return id !== customerId && peopleOfConflict.some((name) => named[name] === customerId);
  });
  return [...own, ...others].map((row) => rowWithout(row, customerId));
}

function rowWithout(row: Selectable<EventTable>, customerId: string): Selectable<EventTable> {
  const data = withoutPerson(row.type, JSON.parse(row.data) as Record<string, unknown>, customerId);
  const owner = row.customer_id === customerId ? erasedCustomerId : row.customer_id;
  return { ...row, customer_id: owner, data: JSON.stringify(data) };
}

/** What callers named their calls, where these made something of the person's or were the person's own. */
async function forgetKeys(trx: Trx, customerId: string): Promise<void> {
  const made = (table: 'devices' | 'passes' | 'tokens' | 'check_ins') =>
    trx.selectFrom(table).select('id').where('customer_id', '=', customerId);
  await trx
    .deleteFrom('idempotency_keys')
    .where((eb) =>
      eb.or([
        eb('body', 'in', made('devices')),
        eb('body', 'in', made('passes')),
        eb('token_id', 'in', made('tokens')),
        eb('body', 'in', made('check_ins')),
      ]),
    )
    .execute();
}

async function ensureErasedCustomer(trx: Trx): Promise<void> {
  const times = { created_at: 0, updated_at: 0 };
  await trx
    .insertInto('customers')
    .values({
      id: erasedCustomerId,
      name: 'Erased member',
      active: 0,
      opted_in: 0,
      share_name: 0,
      data_key: '',
      ...times,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
