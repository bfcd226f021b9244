import { join } from 'node:path';
import { openDatabase } from '../../src/db/database.ts';
import type { Schema } from '../../src/db/schema.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { openMasterKey } from '../../src/identity/master-key.ts';
import { parseMacAddress } from '../../src/observation/mac-address.ts';
import { newId } from '../../src/runtime/id.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Insertable } from 'kysely';

/** Rows of one statement: SQLite takes at most 32,766 values in one. */
const BATCH = 1_000;
const STATIONS = '02-00-5E';

/**
 * Fills an empty ledger with customers who have one device and an unlimited pass each, sealed and hashed as the registry
 * does it. Straight into the tables: over HTTP the same would take longer than the benchmark.
 */
export async function loadPopulation(
  dataDir: string,
  count: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const options = { migrate: true, clock: systemClock, onError: rethrow };
  await using db = await openDatabase({ dataDir }, options);
  const vault = new AddressVault(await openMasterKey(db, join(dataDir, 'keys', 'master.key')));
  for (let first = 0; first < count; first += BATCH) {
    const people = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => createPerson(vault, first + n));
    await db.write.transaction().execute(async (trx) => {
      await trx
        .insertInto('customers')
        .values(people.map(({ customer }) => customer))
        .execute();
      await trx
        .insertInto('devices')
        .values(people.map(({ device }) => device))
        .execute();
      await trx
        .insertInto('device_addresses')
        .values(people.map(({ address }) => address))
        .execute();
      await trx
        .insertInto('passes')
        .values(people.map(({ pass }) => pass))
        .execute();
    });
    onProgress(first + people.length);
  }
}

type Person = {
  readonly customer: Insertable<Schema['customers']>;
  readonly device: Insertable<Schema['devices']>;
  readonly address: Insertable<Schema['device_addresses']>;
  readonly pass: Insertable<Schema['passes']>;
};

function createPerson(vault: AddressVault, n: number): Person {
  const mac = parseMacAddress(stationAddress(n));
  if (mac === undefined) throw new RangeError(`the sender has no station number ${n}`);
  const at = systemClock.now();
  const times = { created_at: at, updated_at: at };
  const id = `bench-${n}`;
  const device = newId('dev');
  const owner = { customerId: id, dataKey: vault.createDataKey(id) };
  const tail = mac.slice(-5).replace('-', '');
  return {
    customer: {
      id,
      name: `Customer ${n}`,
      email: null,
      plan_id: null,
      active: 1,
      opted_in: null,
      share_name: 0,
      data_key: owner.dataKey,
      ...times,
    },
    device: { id: device, customer_id: id, name: null, class: 'phone', ...times },
    address: {
      hash: vault.hash(mac),
      tail_hash: vault.tailHash(tail),
      device_id: device,
      sealed: vault.seal(mac, owner),
      created_at: at,
      retired_at: null,
    },
    pass: {
      id: newId('pass'),
      customer_id: id,
      kind: 'unlimited',
      amount: null,
      valid_from: null,
      valid_until: null,
      space_ids: null,
      created_at: at,
      revoked_at: null,
    },
  };
}

/** The n-th station of sender.c. */
export function stationAddress(n: number): string {
  const hex = n.toString(16).padStart(6, '0').toUpperCase();
  return `${STATIONS}-${hex.slice(0, 2)}-${hex.slice(2, 4)}-${hex.slice(4)}`;
}

function rethrow(error: Error): never {
  throw error;
}
