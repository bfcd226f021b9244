import { sql, type SqlBool, type Transaction } from 'kysely';
import type { Schema } from '../db/schema.ts';
import { isLocallyAdministered, type MacAddress } from '../observation/mac-address.ts';
import type { AddressVault, Owner } from './address-vault.ts';

/** An address that a device has or had. */
export type DeviceAddress = {
  readonly hash: string;
  /** Whether it is locally administered: made up by the device. A damaged seal says no. */
  readonly isRandom: boolean;
  readonly createdAt: number;
  readonly supersededAt: number | null;
};

/** Makes an address one of the device's. Nothing may be registered under it. */
export async function addAddress(
  trx: Transaction<Schema>,
  vault: AddressVault,
  station: MacAddress,
  { deviceId, owner, now }: { readonly deviceId: string; readonly owner: Owner; readonly now: number },
): Promise<string> {
  const hash = vault.hash(station);
  await trx
    .insertInto('device_addresses')
    .values({
      hash,
      tail_hash: vault.tailHash(station.slice(-5).replace('-', '')),
      device_id: deviceId,
      sealed: vault.seal(station, owner),
      created_at: now,
      superseded_at: null,
      retired_at: null,
    })
    .execute();
  return hash;
}

/** The addresses of some devices that still find them, oldest first. */
export async function liveAddresses(
  trx: Transaction<Schema>,
  vault: AddressVault,
  owner: Owner,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DeviceAddress[]>> {
  const rows =
    deviceIds.length === 0
      ? []
      : await trx
          .selectFrom('device_addresses')
          .select(['hash', 'device_id', 'sealed', 'created_at', 'superseded_at'])
          .where('device_id', 'in', deviceIds)
          .where('retired_at', 'is', null)
          .orderBy('created_at')
          .orderBy('hash')
          .execute();
  const addresses = rows.map((row) => {
    const station = vault.tryOpen(row.sealed, row.hash, owner);
    return {
      deviceId: row.device_id,
      hash: row.hash,
      isRandom: station !== undefined && isLocallyAdministered(station),
      createdAt: row.created_at,
      supersededAt: row.superseded_at,
    };
  });
  return Map.groupBy(addresses, ({ deviceId }) => deviceId);
}

/** Marks what the device made up before as left behind. Hardware addresses stay as they are: they are not made up. */
export async function supersede(
  trx: Transaction<Schema>,
  addresses: readonly DeviceAddress[],
  now: number,
): Promise<void> {
  const left = addresses.filter(({ isRandom, supersededAt }) => isRandom && supersededAt === null);
  if (left.length === 0) return;
  const hashes = left.map(({ hash }) => hash);
  await trx.updateTable('device_addresses').set({ superseded_at: now }).where('hash', 'in', hashes).execute();
}

/** The address is what the device uses now. */
export async function reinstate(trx: Transaction<Schema>, hash: string): Promise<void> {
  await trx.updateTable('device_addresses').set({ superseded_at: null }).where('hash', '=', hash).execute();
}

/** Of the addresses `a` of a device, the one that it uses now: the newest that it has not left. */
export const isCurrentAddress = sql<SqlBool>`a.hash = (
  select b.hash from device_addresses as b where b.device_id = a.device_id and b.retired_at is null
  order by case when b.superseded_at is null then 0 else 1 end, b.created_at desc, b.hash limit 1
)`;
