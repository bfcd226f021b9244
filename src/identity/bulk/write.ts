import type { Selectable, Transaction } from 'kysely';
import { bulkInsert } from '../../db/bulk.ts';
import type { NoteChange } from '../../db/registry-transaction.ts';
import type { DeviceAddressTable, DeviceTable, Schema } from '../../db/schema.ts';
import { newId } from '../../runtime/id.ts';
import type { Registry } from '../registry.ts';
import { inOrder } from './in-order.ts';
import type { Sealed, Seals } from './seals.ts';
import type { Step } from './plan.ts';

/** Of an id, what all of a kind begin with. */
const newIdPrefix = 'dev_'.length;

/** Steps that are written together; `bulkInsert` makes a statement of them for each table. */
const stepsPerWrite = 2_000;

/** A step with the id of its device. */
export type Write = { readonly step: Step; readonly id: string };

/** The steps in the order in which they are best written, with ids for the devices that are new, which rise with it. */
export async function orderSteps(steps: readonly Step[]): Promise<readonly Write[]> {
  const ordered = await inOrder(steps, ({ candidate }) => candidate.hash);
  const ids = await inOrder(
    ordered.map(() => newId('dev')),
    (id) => id.slice(newIdPrefix),
  );
  return ordered.map((step, index) => ({ step, id: step.kind === 'update' ? step.before.id : (ids[index] as string) }));
}

/** Writes what was planned, in the transaction in which the plan is known to be right. */
export async function writeSteps(
  { db, clock }: Registry,
  trx: Transaction<Schema>,
  note: NoteChange,
  { writes, seals }: { readonly writes: readonly Write[]; readonly seals: Seals },
  onProgress: (done: number) => void,
): Promise<void> {
  const now = clock.now();
  for (let from = 0; from < writes.length; from += stepsPerWrite) {
    const some = writes.slice(from, from + stepsPerWrite);
    const devices: Selectable<DeviceTable>[] = [];
    const addresses: Selectable<DeviceAddressTable>[] = [];
    for (const { step, id } of some) {
      devices.push(toDevice(step, id, now));
      note('device', id);
      if (step.kind === 'update') continue;
      addresses.push(toAddress(step.candidate.hash, id, seals.get(step), now));
      note('address', step.candidate.hash);
    }
    await bulkInsert(trx, db.kind, 'devices', devices, {
      key: 'id',
      update: ['name', 'class', 'origin', 'updated_at'],
    });
    // An address that its device has left is anybody's: phones make them up at random.
    const update = ['tail_hash', 'device_id', 'sealed', 'created_at', 'superseded_at', 'retired_at'] as const;
    await bulkInsert(trx, db.kind, 'device_addresses', addresses, { key: 'hash', update });
    onProgress(from + some.length);
  }
}

function toDevice(step: Step, id: string, now: number): Selectable<DeviceTable> {
  const { item } = step.candidate;
  if (step.kind === 'create') {
    return {
      id,
      customer_id: item.customerId,
      name: item.name ?? null,
      class: item.class ?? null,
      origin: 'registered',
      created_at: now,
      updated_at: now,
    };
  }
  const { before } = step;
  return {
    ...before,
    name: item.name === undefined ? before.name : item.name,
    class: item.class === undefined ? before.class : item.class,
    origin: 'registered',
    updated_at: now,
  };
}

function toAddress(
  hash: string,
  deviceId: string,
  { sealed, tailHash }: Sealed,
  now: number,
): Selectable<DeviceAddressTable> {
  return {
    hash,
    tail_hash: tailHash,
    device_id: deviceId,
    sealed,
    created_at: now,
    superseded_at: null,
    retired_at: null,
  };
}
