import type { Transaction } from 'kysely';
import { setImmediate as breath } from 'node:timers/promises';
import { isAnyOf } from '../../db/bulk.ts';
import type { Database } from '../../db/database.ts';
import type { Schema } from '../../db/schema.ts';
import { devicesLeft } from '../device-quota.ts';
import type { Registry } from '../registry.ts';
import type { Column, DeviceItem, ItemError, ItemErrorCode } from './item.ts';
import type { ErrorList } from './report.ts';

/** Items that are looked up together: some milliseconds, after which others have their turn. */
const itemsPerLookUp = 500;

/** An item with what is worked out of it once, however often the plan is made. */
export type Candidate = {
  readonly item: DeviceItem;
  readonly hash: string;
  /** How often the same stands in the file again; where. */
  readonly again: readonly number[];
};

/** What is to be written for an item. `before` is what the registry has of it. */
export type Step =
  | { readonly kind: 'create'; readonly candidate: Candidate; readonly dataKey: string }
  | { readonly kind: 'update'; readonly candidate: Candidate; readonly before: DeviceBefore };

export type DeviceBefore = {
  readonly id: string;
  readonly customer_id: string;
  readonly name: string | null;
  readonly class: string | null;
  readonly created_at: number;
};

export type Plan = {
  readonly steps: readonly Step[];
  readonly unchanged: number;
  readonly errors: ErrorList;
};

export type Reader = Database['read'] | Transaction<Schema>;

/** Compares the items with the registry as `reader` sees it. Adds to `errors`; `onProgress` is told how many were compared. */
export async function planDevices(
  { db, quota }: Registry,
  reader: Reader,
  candidates: readonly Candidate[],
  errors: ErrorList,
  onProgress: (done: number) => void = () => undefined,
): Promise<Plan> {
  const steps: Step[] = [];
  let unchanged = 0;
  const room = new Map<string, number>();
  for (let from = 0; from < candidates.length; from += itemsPerLookUp) {
    const some = candidates.slice(from, from + itemsPerLookUp);
    const known = await lookUp(db.kind, reader, some);
    if (quota !== undefined) await measureRoom(db.kind, reader, quota, some, room);
    for (const candidate of some) {
      const decided = decide(candidate, known, room);
      const { item, again } = candidate;
      if (decided === 'unchanged') unchanged += 1 + again.length;
      else if ('code' in decided) for (const place of [item.place, ...again]) errors.add({ place, ...decided });
      else {
        steps.push(decided);
        unchanged += again.length;
      }
    }
    onProgress(from + some.length);
    await breath();
  }
  return { steps, unchanged, errors };
}

type Known = {
  /** The wrapped keys of the customers that there are. */
  readonly dataKeys: ReadonlyMap<string, string>;
  /** By the hash of the address; those that were retired are nobody's. */
  readonly devices: ReadonlyMap<string, DeviceBefore>;
};

async function lookUp(kind: Database['kind'], reader: Reader, candidates: readonly Candidate[]): Promise<Known> {
  const customerIds = [...new Set(candidates.map(({ item }) => item.customerId))];
  const customers = await reader
    .selectFrom('customers')
    .select(['id', 'data_key'])
    .where(isAnyOf(kind, 'id', customerIds))
    .execute();
  const hashes = candidates.map(({ hash }) => hash);
  const devices = await reader
    .selectFrom('device_addresses as a')
    .innerJoin('devices as d', 'd.id', 'a.device_id')
    .select(['a.hash', 'd.id', 'd.customer_id', 'd.name', 'd.class', 'd.created_at'])
    .where(isAnyOf(kind, 'a.hash', hashes))
    .where('a.retired_at', 'is', null)
    .execute();
  return {
    dataKeys: new Map(customers.map(({ id, data_key }) => [id, data_key])),
    devices: new Map(devices.map(({ hash, ...device }) => [hash, device])),
  };
}

/** How many more devices the customers may have whom `room` does not have yet. */
async function measureRoom(
  kind: Database['kind'],
  reader: Reader,
  quota: number,
  candidates: readonly Candidate[],
  room: Map<string, number>,
): Promise<void> {
  const ids = [...new Set(candidates.map(({ item }) => item.customerId))].filter((id) => !room.has(id));
  const rows = await reader
    .selectFrom('devices')
    .select(['customer_id', (eb) => eb.fn.countAll<number>().as('has')])
    .where(isAnyOf(kind, 'customer_id', ids))
    .groupBy('customer_id')
    .execute();
  for (const id of ids) room.set(id, devicesLeft(quota, 0));
  for (const { customer_id, has } of rows) room.set(customer_id, devicesLeft(quota, has));
}

type Refusal = Omit<ItemError, 'place'>;

function decide(candidate: Candidate, known: Known, room: Map<string, number>): Step | Refusal | 'unchanged' {
  const { item } = candidate;
  const dataKey = known.dataKeys.get(item.customerId);
  if (dataKey === undefined) {
    return refuse('customerId', 'unknownCustomer', 'there is no such customer; make the customer first');
  }
  const before = known.devices.get(candidate.hash);
  if (before === undefined) {
    const left = room.get(item.customerId);
    if (left === 0) {
      return refuse(
        'customerId',
        'deviceQuotaReached',
        'has as many devices as devices.quota allows; forget one first',
      );
    }
    if (left !== undefined) room.set(item.customerId, left - 1);
    return { kind: 'create', candidate, dataKey };
  }
  if (before.customer_id !== item.customerId) {
    return refuse('mac', 'deviceTaken', 'is registered to another customer; forget it there first');
  }
  const isSame = [undefined, before.name].includes(item.name) && [undefined, before.class].includes(item.class);
  return isSame ? 'unchanged' : { kind: 'update', candidate, before };
}

function refuse(column: Column, code: ItemErrorCode, message: string): Refusal {
  return { column, code, message };
}
