import type { Database } from '../db/database.ts';
import { getCustomer } from '../identity/customers.ts';
import type { Registry } from '../identity/registry.ts';
import type { PresenceState } from '../presence/state.ts';
import { toCheckIn, toPass, toVisit } from './rows.ts';

/** What is held of somebody, in the order in which it is told. */
export const personRecordKinds = [
  'customer',
  'device',
  'pass',
  'token',
  'presence',
  'visit',
  'checkIn',
  'event',
  'audit',
] as const;
export type PersonRecordKind = (typeof personRecordKinds)[number];

/** One thing that is held. Instants are epoch milliseconds, in `details` under names that end in At, From, Until or Since. */
export type PersonRecord = {
  readonly kind: PersonRecordKind;
  readonly id: string;
  readonly spaceId: string | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly details: object;
};

export type PersonDataPorts = {
  readonly registry: Registry;
  readonly spaceIds: () => readonly string[];
  readonly readPresence: (spaceId: string, customerId: string) => Promise<PresenceState | undefined>;
  /** Who looked at, or changed, what of them, oldest first; where that is kept. */
  readonly audit?: (customerId: string) => AsyncIterable<{ readonly id: string; readonly at: number } & object>;
};

const rowsPerPage = 500;

/** Everything that is held of a customer, page by page; undefined when there is no such customer. */
export async function readPersonData(
  ports: PersonDataPorts,
  customerId: string,
): Promise<AsyncGenerator<PersonRecord> | undefined> {
  const customer = await getCustomer(ports.registry.db, customerId);
  if (customer === undefined) return undefined;
  const first: PersonRecord = {
    kind: 'customer',
    id: customer.id,
    spaceId: null,
    from: customer.createdAt,
    to: null,
    details: customer,
  };
  return records(ports, customerId, first);
}

async function* records(ports: PersonDataPorts, customerId: string, first: PersonRecord): AsyncGenerator<PersonRecord> {
  const { registry, audit } = ports;
  yield first;
  yield* devices(registry, customerId);
  yield* passesAndTokens(registry.db, customerId);
  for (const spaceId of ports.spaceIds()) {
    const state = await ports.readPresence(spaceId, customerId);
    if (state === undefined) continue;
    yield { kind: 'presence', id: spaceId, spaceId, from: null, to: null, details: state };
  }
  yield* visits(registry.db, customerId);
  yield* checkIns(registry.db, customerId);
  yield* events(registry.db, customerId);
  for await (const entry of audit?.(customerId) ?? []) {
    yield { kind: 'audit', id: entry.id, spaceId: null, from: entry.at, to: null, details: entry };
  }
}

/** With their addresses in clear: they are the person's own. Those that a device has left are held too. */
async function* devices({ db, vault }: Registry, customerId: string): AsyncGenerator<PersonRecord> {
  const rows = await db.read
    .selectFrom('devices as d')
    .innerJoin('customers as c', 'c.id', 'd.customer_id')
    .select(['d.id', 'd.name', 'd.class', 'd.created_at', 'd.updated_at', 'c.data_key'])
    .where('d.customer_id', '=', customerId)
    .orderBy('d.id')
    .execute();
  for (const {
    id,
    name,
    class: deviceClass,
    created_at: createdAt,
    updated_at: updatedAt,
    data_key: dataKey,
  } of rows) {
    const addresses = await db.read
      .selectFrom('device_addresses')
      .selectAll()
      .where('device_id', '=', id)
      .orderBy('created_at')
      .execute();
    const details = {
      id,
      name,
      class: deviceClass,
      createdAt,
      updatedAt,
      addresses: addresses.map((row) => ({
        mac: vault.tryOpen(row.sealed, row.hash, { customerId, dataKey }) ?? null,
        createdAt: row.created_at,
        retiredAt: row.retired_at,
      })),
    };
    yield { kind: 'device', id, spaceId: null, from: createdAt, to: null, details };
  }
}

async function* passesAndTokens(db: Database, customerId: string): AsyncGenerator<PersonRecord> {
  const passes = await db.read
    .selectFrom('passes')
    .selectAll()
    .where('customer_id', '=', customerId)
    .orderBy('id')
    .execute();
  for (const row of passes) {
    const details = { ...toPass(row), revokedAt: row.revoked_at };
    yield { kind: 'pass', id: row.id, spaceId: null, from: row.valid_from, to: row.valid_until, details };
  }
  const tokens = await db.read
    .selectFrom('tokens')
    .select(['id', 'role', 'name', 'created_at', 'expires_at', 'last_used_at', 'revoked_at'])
    .where('customer_id', '=', customerId)
    .orderBy('id')
    .execute();
  for (const { id, role, name, created_at: createdAt, ...row } of tokens) {
    const { expires_at: expiresAt, last_used_at: lastUsedAt, revoked_at: revokedAt } = row;
    const details = { id, role, name, createdAt, expiresAt, lastUsedAt, revokedAt };
    yield { kind: 'token', id, spaceId: null, from: createdAt, to: revokedAt ?? expiresAt, details };
  }
}

async function* visits(db: Database, customerId: string): AsyncGenerator<PersonRecord> {
  const page = (at: number, id: string) =>
    db.read
      .selectFrom('visits')
      .selectAll()
      .where('customer_id', '=', customerId)
      .where((eb) => eb(eb.refTuple('arrived_at', 'id'), '>', eb.tuple(at, id)))
      .orderBy('arrived_at')
      .orderBy('id')
      .limit(rowsPerPage)
      .execute();
  for (let rows = await page(-1, ''); rows.length > 0;) {
    for (const visit of rows.map(toVisit)) {
      const { id, spaceId, arrivedAt, lastActivityAt, departedAt } = visit;
      const to = departedAt === null ? null : lastActivityAt;
      yield { kind: 'visit', id, spaceId, from: arrivedAt, to, details: visit };
    }
    const last = rows.at(-1);
    rows = last === undefined || rows.length < rowsPerPage ? [] : await page(last.arrived_at, last.id);
  }
}

async function* checkIns(db: Database, customerId: string): AsyncGenerator<PersonRecord> {
  const page = (at: number, id: string) =>
    db.read
      .selectFrom('check_ins')
      .selectAll()
      .where('customer_id', '=', customerId)
      .where((eb) => eb(eb.refTuple('started_at', 'id'), '>', eb.tuple(at, id)))
      .orderBy('started_at')
      .orderBy('id')
      .limit(rowsPerPage)
      .execute();
  for (let rows = await page(-1, ''); rows.length > 0;) {
    for (const { deviceIds, ...checkIn } of rows.map(toCheckIn)) {
      const { id, spaceId, startedAt, endedAt } = checkIn;
      const details = { ...checkIn, devices: deviceIds };
      yield { kind: 'checkIn', id, spaceId, from: startedAt, to: endedAt, details };
    }
    const last = rows.at(-1);
    rows = last === undefined || rows.length < rowsPerPage ? [] : await page(last.started_at, last.id);
  }
}

async function* events(db: Database, customerId: string): AsyncGenerator<PersonRecord> {
  const page = (after: number) =>
    db.read
      .selectFrom('events')
      .selectAll()
      .where('customer_id', '=', customerId)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(rowsPerPage)
      .execute();
  for (let rows = await page(0); rows.length > 0;) {
    for (const { id, sequence, type, at, space_id: spaceId, data } of rows) {
      const { deviceIds, ...rest } = JSON.parse(data) as { readonly deviceIds?: readonly string[] };
      const details = { id, sequence, type, at, data: { ...rest, ...(deviceIds && { devices: deviceIds }) } };
      yield { kind: 'event', id, spaceId, from: at, to: null, details };
    }
    rows = rows.length < rowsPerPage ? [] : await page(rows.at(-1)?.sequence ?? Infinity);
  }
}
