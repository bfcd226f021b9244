import { setImmediate } from 'node:timers/promises';
import { isAnyOf } from '../db/bulk.ts';
import type { Database } from '../db/database.ts';
import { readPage } from '../db/read-page.ts';
import type { ChangeKind } from '../db/schema.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { AddressVault } from './address-vault.ts';
import { toDeviceClass } from './device-class.ts';
import { DirectoryTables } from './directory-tables.ts';

/** Rows per query while loading: a few milliseconds of work, between which the network is answered. */
const pageSize = 2_000;

export type Change = { readonly sequence: number; readonly kind: ChangeKind; readonly key: string };

/** A device that can be found now, for those who may have seen it before it was registered. */
export type Registration = { readonly station: MacAddress; readonly deviceId: string; readonly customerId: string };

export type OptInPolicy = {
  /** Whether a customer who said nothing has opted in. */
  readonly assumeOptIn: boolean;
};

/** The sequence of the last change that is committed. Read it before the rows: a change too many does no harm. */
export async function lastChange(db: Database): Promise<number> {
  const { value } = await db.read
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'changes')
    .executeTakeFirstOrThrow();
  return value;
}

/** The changes behind `after`, oldest first. */
export async function readChanges(db: Database, after: number, limit: number): Promise<Change[]> {
  return await db.read
    .selectFrom('changes')
    .select(['sequence', 'kind', 'key'])
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
}

/** Everything, into new tables. */
export async function loadTables(db: Database, seed: number, { assumeOptIn }: OptInPolicy): Promise<DirectoryTables> {
  const tables = new DirectoryTables(seed);
  tables.reserve(await countRows(db));
  await eachPage<CustomerRow>(
    (last) => {
      const behind = selectCustomers(db).where('id', '>', last?.id ?? '');
      return readPage(db, behind.orderBy('id').limit(pageSize), ['id', 'opted_in']);
    },
    (row) => tables.setCustomer(row.id, isOptedIn(row.opted_in, assumeOptIn)),
  );
  await eachPage<ChoiceRow>(
    (last) => {
      const behind = selectChoices(db).where('customer_id', '>', last?.customer_id ?? '');
      return behind.orderBy('customer_id').limit(pageSize).execute();
    },
    (row) => tables.setCustomer(row.customer_id, isOptedIn(row.opted_in, assumeOptIn), trackedSince(row)),
  );
  await eachPage<IdentityRow>(
    (last) => {
      const behind = selectIdentities(db).where('identity', '>', last?.identity ?? '');
      return readPage(db, behind.orderBy('identity').limit(pageSize), ['identity', 'spelling', 'customer_id']);
    },
    (row) => tables.setIdentity(row.identity, row.customer_id, row.spelling),
  );
  await eachPage<AddressRow>(
    (last) => readAddresses(db, last),
    ({ hash, device_id: device, customer_id: customer, class: said }) => {
      if (customer !== null) tables.setAddress(hash, device, customer, toDeviceClass(said));
    },
  );
  return tables;
}

/** Whether the change matters to the tables at all. */
export function concernsTables({ kind }: Change): boolean {
  return kind === 'customer' || kind === 'identity' || kind === 'address' || kind === 'device';
}

/**
 * What the changed rows are now, as one step to apply. It reads the present state and not the change, so that a change
 * that is seen twice, or late, does no harm.
 */
export async function readUpdate(
  db: Database,
  changes: readonly Change[],
  { assumeOptIn }: OptInPolicy,
): Promise<(tables: DirectoryTables) => void> {
  const customers = keysOf(changes, 'customer');
  const identities = keysOf(changes, 'identity');
  const addresses = keysOf(changes, 'address');
  const devices = keysOf(changes, 'device');
  const customerRows =
    customers.length === 0
      ? []
      : await selectCustomers(db)
          .where(isAnyOf(db.kind, 'id', customers))
          .execute();
  const choiceRows =
    customers.length === 0
      ? []
      : await selectChoices(db)
          .where(isAnyOf(db.kind, 'customer_id', customers))
          .execute();
  const identityRows =
    identities.length === 0
      ? []
      : await selectIdentities(db)
          .where(isAnyOf(db.kind, 'customer_id', identities))
          .execute();
  const addressRows =
    addresses.length === 0
      ? []
      : await selectAddresses(db)
          .where(isAnyOf(db.kind, 'a.hash', addresses))
          .execute();
  // A device that is of another class now has the same addresses. It is asked for by its own key, since PostgreSQL reads
  // every address for the other one while it has not counted yet what a large import has added (a fifth of the time).
  const deviceRows =
    devices.length === 0
      ? []
      : await selectAddresses(db)
          .where(isAnyOf(db.kind, 'd.id', devices))
          .execute();
  return (tables) => {
    const present = new Set(customerRows.map(({ id }) => id));
    for (const id of customers) if (!present.has(id)) tables.removeCustomer(id);
    const chosen = new Map(choiceRows.map((row) => [row.customer_id, trackedSince(row)]));
    for (const row of customerRows) {
      tables.setCustomer(row.id, isOptedIn(row.opted_in, assumeOptIn), chosen.get(row.id));
    }
    tables.removeIdentitiesOf(identities);
    for (const row of identityRows) tables.setIdentity(row.identity, row.customer_id, row.spelling);
    const registered = new Set(addressRows.map(({ hash }) => hash));
    for (const hash of addresses) if (!registered.has(hash)) tables.removeAddress(hash);
    for (const row of [...deviceRows, ...addressRows])
      tables.setAddress(row.hash, row.device_id, row.customer_id, toDeviceClass(row.class));
  };
}

/** Which of the changes registered a device, with its address opened. */
export async function readRegistrations(
  db: Database,
  vault: AddressVault,
  changes: readonly Change[],
): Promise<Registration[]> {
  const hashes = keysOf(changes, 'address');
  if (hashes.length === 0) return [];
  const rows = await selectAddresses(db)
    .innerJoin('customers as c', 'c.id', 'd.customer_id')
    .select(['a.sealed', 'c.data_key'])
    .where(isAnyOf(db.kind, 'a.hash', hashes))
    .execute();
  return rows.flatMap((row) => {
    const owner = { customerId: row.customer_id, dataKey: row.data_key };
    const station = vault.tryOpen(row.sealed, row.hash, owner);
    // A damaged seal must not hold up the changes behind it. The device is found all the same, by its hash.
    return station === undefined ? [] : [{ station, deviceId: row.device_id, customerId: row.customer_id }];
  });
}

/** The oldest ones first: whoever has not read these by then loads everything again. */
export async function forgetChanges(db: Database, before: number, limit: number): Promise<number> {
  const old = db.read.selectFrom('changes').select(['sequence', 'at']).orderBy('sequence').limit(limit);
  const rows = await old.execute();
  const young = rows.findIndex(({ at }) => at >= before);
  const last = (young === -1 ? rows : rows.slice(0, young)).at(-1);
  if (last === undefined) return 0;
  const result = await db.write.deleteFrom('changes').where('sequence', '<=', last.sequence).executeTakeFirst();
  return Number(result.numDeletedRows);
}

function selectCustomers(db: Database) {
  return db.read.selectFrom('customers').select(['id', 'opted_in']);
}

function selectChoices(db: Database) {
  return db.read
    .selectFrom('privacy_choices')
    .innerJoin('customers', 'customers.id', 'privacy_choices.customer_id')
    .select(['customer_id', 'customers.opted_in', 'paused_until', 'tracked_since']);
}

function trackedSince({ paused_until: pausedUntil, tracked_since: since }: ChoiceRow): number | undefined {
  return pausedUntil === null && since === null ? undefined : Math.max(pausedUntil ?? 0, since ?? 0);
}

function selectIdentities(db: Database) {
  return db.read.selectFrom('identities').selectAll();
}

function selectAddresses(db: Database) {
  return db.read
    .selectFrom('device_addresses as a')
    .innerJoin('devices as d', 'd.id', 'a.device_id')
    .select(['a.hash', 'a.device_id', 'd.customer_id', 'd.class'])
    .where('a.retired_at', 'is', null);
}

function isOptedIn(said: number | null, assumeOptIn: boolean): boolean {
  return said === null ? assumeOptIn : said === 1;
}

function keysOf(changes: readonly Change[], kind: ChangeKind): string[] {
  return [...new Set(changes.filter((change) => change.kind === kind).map(({ key }) => key))];
}

type CustomerRow = { readonly id: string; readonly opted_in: number | null };
type ChoiceRow = {
  readonly customer_id: string;
  readonly opted_in: number | null;
  readonly paused_until: number | null;
  readonly tracked_since: number | null;
};
type IdentityRow = { readonly identity: string; readonly spelling: string; readonly customer_id: string };
type AddressRow = {
  readonly hash: string;
  readonly device_id: string;
  /** Null when the device was removed at that moment. */
  readonly customer_id: string | null;
  readonly class: string | null;
};

/**
 * A page of addresses in the order of their devices, each of which is looked up. Joined, PostgreSQL would begin at the
 * first device again with every page, or read all of them as long as it has not counted a table that was just filled.
 */
async function readAddresses(db: Database, last: AddressRow | undefined): Promise<readonly AddressRow[]> {
  const behind = db.read
    .selectFrom('device_addresses as a')
    .select((eb) => {
      const device = eb.selectFrom('devices as d').whereRef('d.id', '=', 'a.device_id');
      return ['hash', 'device_id', device.select('customer_id').as('customer_id'), device.select('class').as('class')];
    })
    .where('retired_at', 'is', null)
    .where((eb) => eb(eb.refTuple('device_id', 'hash'), '>', eb.tuple(last?.device_id ?? '', last?.hash ?? '')));
  const page = behind.orderBy('device_id').orderBy('hash').limit(pageSize);
  return await readPage(db, page, ['hash', 'device_id', 'customer_id', 'class']);
}

/** How much there is to load. What is added meanwhile finds room too. */
async function countRows(db: Database) {
  const customers = await db.read
    .selectFrom('customers')
    .select((eb) => [
      eb.fn.countAll<number>().as('rows'),
      eb.fn.sum<number | null>(eb.fn('octet_length', ['id'])).as('bytes'),
    ])
    .executeTakeFirstOrThrow();
  const addresses = await db.read
    .selectFrom('device_addresses')
    .select((eb) => eb.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  return { customers: customers.rows, bytes: customers.bytes ?? 0, addresses: addresses.rows };
}

/** One page is read while the one before it is taken in, which begins when the request has left. */
async function eachPage<Row>(read: (last: Row | undefined) => Promise<readonly Row[]>, take: (row: Row) => void) {
  const takeIn = async (rows: readonly Row[]) => {
    await setImmediate();
    for (const row of rows) take(row);
  };
  let rows = await read(undefined);
  while (rows.length > 0) {
    const next = rows.length < pageSize ? [] : read(rows.at(-1));
    [rows] = await Promise.all([next, takeIn(rows)]);
  }
}
