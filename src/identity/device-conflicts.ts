import type { Selectable, Transaction } from 'kysely';
import { inTransaction } from '../db/transaction.ts';
import { inRegistryTransaction } from '../db/registry-transaction.ts';
import type { DeviceConflictTable, Schema } from '../db/schema.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import { newId } from '../runtime/id.ts';
import { addAddress } from './device-addresses.ts';
import type { Registry } from './registry.ts';

/** Two customers claim one device, until an admin settles it. Instants are epoch milliseconds. */
export type DeviceConflict = {
  readonly id: string;
  readonly deviceId: string;
  /** To whom it is registered. */
  readonly holderId: string;
  readonly claimantId: string;
  /** `identity`: the network authenticated the claimant on it; `claim`: the claimant wanted to register it. */
  readonly kind: 'identity' | 'claim';
  readonly firstAt: number;
  readonly lastAt: number;
  readonly settledAt: number | null;
  readonly settlement: Settlement | null;
};

/** `holder` keeps it, the `claimant` gets it, or `neither`: nobody has it registered. */
export const settlements = ['holder', 'claimant', 'neither'] as const;
export type Settlement = (typeof settlements)[number];

/** A conflict that has just been seen. */
export type SeenConflict = Pick<DeviceConflict, 'deviceId' | 'claimantId' | 'kind'> & { readonly at: number };

/**
 * Notes that somebody else claims a device. What an admin has settled stays settled: a laptop that two people share is no
 * news the second time.
 */
export async function noteConflicts(
  trx: Transaction<Schema>,
  seen: readonly SeenConflict[],
): Promise<readonly DeviceConflict[]> {
  const noted: DeviceConflict[] = [];
  for (const { deviceId, claimantId, kind, at } of seen) {
    const device = await trx.selectFrom('devices').select('customer_id').where('id', '=', deviceId).executeTakeFirst();
    const claimant = await trx.selectFrom('customers').select('id').where('id', '=', claimantId).executeTakeFirst();
    // Either may be gone by the time that this is written down.
    if (device === undefined || claimant === undefined || device.customer_id === claimantId) continue;
    const row = { device_id: deviceId, holder_id: device.customer_id, claimant_id: claimantId, kind };
    const stored = await trx
      .insertInto('device_conflicts')
      .values({ id: newId('con'), ...row, first_at: at, last_at: at, settled_at: null, settlement: null })
      .onConflict((conflict) => conflict.columns(['device_id', 'claimant_id', 'kind']).doUpdateSet({ last_at: at }))
      .returningAll()
      .executeTakeFirstOrThrow();
    noted.push(toConflict(stored));
  }
  return noted;
}

/**
 * Somebody wanted to register a device that is another customer's. `tell` is called for the first time of each two, within
 * the transaction.
 */
export async function noteClaim(
  { db, clock, vault }: Registry,
  station: MacAddress,
  claimantId: string,
  tell: (trx: Transaction<Schema>, conflict: DeviceConflict) => Promise<() => void>,
): Promise<void> {
  const at = clock.now();
  const told = await inTransaction(db, async (trx) => {
    const device = await trx
      .selectFrom('device_addresses')
      .select('device_id')
      .where('hash', '=', vault.hash(station))
      .where('retired_at', 'is', null)
      .executeTakeFirst();
    if (device === undefined) return undefined;
    const [conflict] = await noteConflicts(trx, [{ deviceId: device.device_id, claimantId, kind: 'claim', at }]);
    return conflict?.firstAt === at ? await tell(trx, conflict) : undefined;
  });
  told?.();
}

/** Newest first, from the one behind `after`. */
export async function listConflicts(
  { db }: Pick<Registry, 'db'>,
  page: {
    readonly limit: number;
    readonly state: 'open' | 'settled';
    readonly after?: { readonly firstAt: number; readonly id: string } | undefined;
  },
): Promise<DeviceConflict[]> {
  const { after } = page;
  let query = db.read.selectFrom('device_conflicts').selectAll();
  query = query.where('settled_at', page.state === 'open' ? 'is' : 'is not', null);
  if (after !== undefined) {
    query = query.where((eb) => eb(eb.refTuple('first_at', 'id'), '<', eb.tuple(after.firstAt, after.id)));
  }
  const rows = await query.orderBy('first_at', 'desc').orderBy('id', 'desc').limit(page.limit).execute();
  return rows.map(toConflict);
}

export async function getConflict({ db }: Pick<Registry, 'db'>, id: string): Promise<DeviceConflict | undefined> {
  const row = await db.read.selectFrom('device_conflicts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toConflict(row);
}

/** Says whose the device is. Undefined when there is no such conflict that is open. */
export async function settleConflict(
  registry: Registry,
  id: string,
  settlement: Settlement,
): Promise<DeviceConflict | undefined> {
  const { db, clock, vault } = registry;
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const now = clock.now();
    const conflict = await trx
      .selectFrom('device_conflicts')
      .selectAll()
      .where('id', '=', id)
      .where('settled_at', 'is', null)
      .executeTakeFirst();
    if (conflict === undefined) return undefined;
    const settled = { ...conflict, settled_at: now, settlement };
    for (const customerId of [conflict.holder_id, conflict.claimant_id]) {
      audit({ customerId, objectId: conflict.device_id, details: { settlement } });
    }
    if (settlement === 'holder') {
      await trx
        .updateTable('device_conflicts')
        .set({ settled_at: now, settlement })
        .where('device_id', '=', conflict.device_id)
        .where('claimant_id', '=', conflict.claimant_id)
        .where('settled_at', 'is', null)
        .execute();
      return toConflict(settled);
    }
    const device = await trx
      .selectFrom('devices as d')
      .innerJoin('customers as c', 'c.id', 'd.customer_id')
      .select(['d.name', 'd.class', 'c.id as holder_id', 'c.data_key'])
      .where('d.id', '=', conflict.device_id)
      .executeTakeFirstOrThrow();
    const addresses = await trx
      .selectFrom('device_addresses')
      .select(['hash', 'sealed', 'retired_at'])
      .where('device_id', '=', conflict.device_id)
      .execute();
    // Everything about it ends with it, the conflict too: it is another device now, or none.
    await trx.deleteFrom('devices').where('id', '=', conflict.device_id).execute();
    note('device', conflict.device_id);
    for (const { hash } of addresses) note('address', hash);
    if (settlement === 'neither') return toConflict(settled);
    const claimant = await trx
      .selectFrom('customers')
      .select('data_key')
      .where('id', '=', conflict.claimant_id)
      .executeTakeFirstOrThrow();
    const holder = { customerId: device.holder_id, dataKey: device.data_key };
    const owner = { customerId: conflict.claimant_id, dataKey: claimant.data_key };
    const deviceId = newId('dev');
    await trx
      .insertInto('devices')
      .values({
        id: deviceId,
        customer_id: conflict.claimant_id,
        // What its holder called it is the holder's.
        name: null,
        class: device.class,
        created_at: now,
        updated_at: now,
      })
      .execute();
    for (const { hash, sealed, retired_at } of addresses) {
      const station = retired_at === null ? vault.tryOpen(sealed, hash, holder) : undefined;
      if (station !== undefined) await addAddress(trx, vault, station, { deviceId, owner, now });
    }
    note('device', deviceId);
    return toConflict({ ...settled, device_id: deviceId });
  });
}

function toConflict(row: Selectable<DeviceConflictTable>): DeviceConflict {
  return {
    id: row.id,
    deviceId: row.device_id,
    holderId: row.holder_id,
    claimantId: row.claimant_id,
    kind: row.kind,
    firstAt: row.first_at,
    lastAt: row.last_at,
    settledAt: row.settled_at,
    settlement: row.settlement as Settlement | null,
  };
}
