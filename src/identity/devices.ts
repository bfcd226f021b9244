import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { inRegistryTransaction, type NoteChange } from '../db/registry-transaction.ts';
import type { Schema } from '../db/schema.ts';
import { parseMacAddress, type MacAddress } from '../observation/mac-address.ts';
import { newId } from '../runtime/id.ts';
import { addAddress, isCurrentAddress } from './device-addresses.ts';
import { Conflict, QuotaReached, UnknownCustomer, UnknownDevice } from './errors.ts';
import type { DeviceClass } from './device-class.ts';
import { devicesLeft, offerToReplace } from './device-quota.ts';
import { lastSeenOf } from './last-seen.ts';
import type { Registry } from './registry.ts';

/** Should somebody have hundreds, choosing among them is not done in an answer to a call. */
const offeredAtMost = 100;

export type Device = {
  readonly id: string;
  readonly mac: MacAddress;
  readonly customerId: string;
  readonly name: string | null;
  readonly class: DeviceClass | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** `lastSeenAt` is when it was last active in a check-in; null when it never was. */
export type SeenDevice = Device & { readonly lastSeenAt: number | null };

/** What is left out stays as it is. */
export type DeviceInput = {
  readonly customerId: string;
  readonly name?: string | null | undefined;
  readonly class?: DeviceClass | null | undefined;
  /** A device of the same customer, by id or address, that is forgotten in the same step. */
  readonly replaces?: string | undefined;
};

/**
 * Throws `UnknownCustomer`; `Conflict` when the address is another customer's, since nobody's device moves by itself;
 * `QuotaReached` when it would be one too many; `UnknownDevice` when `replaces` names none of the customer's.
 */
export async function putDevice(
  registry: Registry,
  mac: MacAddress,
  input: DeviceInput,
): Promise<{ readonly device: Device; readonly created: boolean }> {
  const { db, clock, vault } = registry;
  const hash = vault.hash(mac);
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const customer = await trx
      .selectFrom('customers')
      .select('data_key')
      .where('id', '=', input.customerId)
      .executeTakeFirst();
    if (customer === undefined) throw new UnknownCustomer(input.customerId);
    const before = await selectDevices(trx).where('a.hash', '=', hash).executeTakeFirst();
    const now = clock.now();
    if (before !== undefined && before.retired_at === null) {
      if (before.customer_id !== input.customerId) {
        const message = `the device belongs to the customer "${before.customer_id}"`;
        throw new Conflict('deviceTaken', message, before.customer_id);
      }
      if (input.replaces !== undefined) await forgetReplaced(trx, note, registry, input, before.id);
      const changes = {
        name: input.name === undefined ? before.name : input.name,
        class: input.class === undefined ? before.class : input.class,
        updated_at: now,
      };
      // Whatever the network has shown: somebody says now that it is so.
      const said = { ...changes, origin: 'registered' } as const;
      await trx.updateTable('devices').set(said).where('id', '=', before.id).execute();
      note('device', before.id);
      audit({ customerId: input.customerId, objectId: before.id, details: given(input) });
      return { device: toDevice({ ...before, ...changes }, mac), created: false };
    }
    if (input.replaces !== undefined) await forgetReplaced(trx, note, registry, input, undefined);
    await requireRoom(trx, registry, input.customerId);
    // An address that its device has left is anybody's: phones make them up at random.
    if (before !== undefined) await trx.deleteFrom('device_addresses').where('hash', '=', hash).execute();
    const row = {
      id: newId('dev'),
      customer_id: input.customerId,
      name: input.name ?? null,
      class: input.class ?? null,
      created_at: now,
      updated_at: now,
    };
    await trx.insertInto('devices').values(row).execute();
    const owner = { customerId: input.customerId, dataKey: customer.data_key };
    await addAddress(trx, vault, mac, { deviceId: row.id, owner, now });
    note('device', row.id);
    note('address', hash);
    audit({ customerId: input.customerId, objectId: row.id, details: given(input) });
    return { device: toDevice(row, mac), created: true };
  });
}

export async function getDevice({ db, vault }: Registry, mac: MacAddress): Promise<Device | undefined> {
  const row = await selectDevices(db.read)
    .where('a.hash', '=', vault.hash(mac))
    .where('a.retired_at', 'is', null)
    .executeTakeFirst();
  return row && toDevice(row, mac);
}

export async function getDeviceById({ db, vault }: Registry, id: string): Promise<Device | undefined> {
  const row = await selectDevices(db.read).where('d.id', '=', id).where(isCurrentAddress).executeTakeFirst();
  return row && toDevice(row, openAddress(vault, row));
}

/** In the order of their ids, from the one behind `after`; of one customer, or of all. */
export async function listDevices(
  { db, vault }: Registry,
  page: { readonly limit: number; readonly after?: string | undefined; readonly customerId?: string | undefined },
): Promise<Device[]> {
  let query = selectDevices(db.read).where(isCurrentAddress).orderBy('d.id').limit(page.limit);
  if (page.after !== undefined) query = query.where('d.id', '>', page.after);
  if (page.customerId !== undefined) query = query.where('d.customer_id', '=', page.customerId);
  const rows = await query.execute();
  return rows.map((row) => toDevice(row, openAddress(vault, row)));
}

/** Forgets the device and every address it had. False when no device has this one, or none of the customer's who is named. */
export async function deleteDevice(
  { db, clock, vault }: Registry,
  mac: MacAddress,
  customerId?: string,
): Promise<boolean> {
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const found = await selectDevices(trx)
      .where('a.hash', '=', vault.hash(mac))
      .where('a.retired_at', 'is', null)
      .executeTakeFirst();
    if (found === undefined || found.customer_id !== (customerId ?? found.customer_id)) return false;
    await forget(trx, note, found.id);
    audit({ customerId: found.customer_id, objectId: found.id, details: { name: found.name } });
    return true;
  });
}

/** One customer's devices with when they were last active, in the order in which they are given. */
export async function withLastSeen(
  reader: Database['read'] | Transaction<Schema>,
  customerId: string,
  devices: readonly Device[],
): Promise<SeenDevice[]> {
  const seen = await lastSeenOf(reader, customerId);
  return devices.map((device) => Object.assign({ lastSeenAt: seen.get(device.id) ?? null }, device));
}

async function forget(trx: Transaction<Schema>, note: NoteChange, deviceId: string): Promise<void> {
  const addresses = await trx.selectFrom('device_addresses').select('hash').where('device_id', '=', deviceId).execute();
  await trx.deleteFrom('devices').where('id', '=', deviceId).execute();
  for (const { hash } of addresses) note('address', hash);
  note('device', deviceId);
}

/** `registered` is the device that the address has already: the call is repeated, and what it replaced may be gone. */
async function forgetReplaced(
  trx: Transaction<Schema>,
  note: NoteChange,
  { vault }: Registry,
  { customerId, replaces = '' }: DeviceInput,
  registered: string | undefined,
): Promise<void> {
  const mac = parseMacAddress(replaces.trim());
  const found = await selectDevices(trx)
    .where('d.customer_id', '=', customerId)
    .where('a.retired_at', 'is', null)
    .where((eb) => (mac === undefined ? eb('d.id', '=', replaces) : eb('a.hash', '=', vault.hash(mac))))
    .executeTakeFirst();
  if (found === undefined && registered === undefined) throw new UnknownDevice(customerId);
  if (found !== undefined && found.id !== registered) await forget(trx, note, found.id);
}

async function requireRoom(trx: Transaction<Schema>, { quota, vault }: Registry, customerId: string): Promise<void> {
  if (quota === undefined) return;
  const { has } = await trx
    .selectFrom('devices')
    .select((eb) => eb.fn.countAll<number>().as('has'))
    .where('customer_id', '=', customerId)
    .executeTakeFirstOrThrow();
  if (devicesLeft(quota, has) > 0) return;
  const rows = await selectDevices(trx)
    .where('d.customer_id', '=', customerId)
    .where(isCurrentAddress)
    .orderBy('d.id')
    .limit(offeredAtMost)
    .execute();
  const devices = rows.map((row) => toDevice(row, openAddress(vault, row)));
  throw new QuotaReached(customerId, quota, offerToReplace(await withLastSeen(trx, customerId, devices)));
}

function given({ name, class: deviceClass }: DeviceInput): object {
  return { name, class: deviceClass };
}

function selectDevices(reader: Registry['db']['read'] | Transaction<Schema>) {
  return reader
    .selectFrom('devices as d')
    .innerJoin('device_addresses as a', 'a.device_id', 'd.id')
    .innerJoin('customers as c', 'c.id', 'd.customer_id')
    .select(['d.id', 'd.customer_id', 'd.name', 'd.class', 'd.created_at', 'd.updated_at'])
    .select(['a.hash', 'a.sealed', 'a.retired_at', 'c.data_key']);
}

function openAddress(
  vault: Registry['vault'],
  row: { readonly sealed: string; readonly hash: string; readonly customer_id: string; readonly data_key: string },
): MacAddress {
  return vault.open(row.sealed, row.hash, { customerId: row.customer_id, dataKey: row.data_key });
}

type DeviceRow = {
  readonly id: string;
  readonly customer_id: string;
  readonly name: string | null;
  readonly class: string | null;
  readonly created_at: number;
  readonly updated_at: number;
};

function toDevice(row: DeviceRow, mac: MacAddress): Device {
  return {
    id: row.id,
    mac,
    customerId: row.customer_id,
    name: row.name,
    class: row.class as DeviceClass | null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
