import { join } from 'node:path';
import { bulkInsert } from '../../src/db/bulk.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { Schema } from '../../src/db/schema.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { openMasterKey } from '../../src/identity/master-key.ts';
import { parseMacAddress } from '../../src/observation/mac-address.ts';
import { newId } from '../../src/runtime/id.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { sql, type Selectable } from 'kysely';

/** People of one transaction: their keys are random, so each touches most pages of the indexes, however few there are. */
const BATCH = 50_000;
const STATIONS = '02-00-5E';

/**
 * Fills an empty ledger with customers who have one device and an unlimited pass each, sealed and hashed as the registry
 * does it. Straight into the tables: over HTTP the same would take longer than the benchmark.
 */
export async function loadPopulation(
  dataDir: string,
  count: number,
  onProgress: (done: number) => void,
  databaseUrl?: string,
): Promise<void> {
  const options = { migrate: true, clock: systemClock, onError: rethrow };
  await using db = await openDatabase({ dataDir, databaseUrl }, options);
  // What is lost in a crash is made again, and all of it fits in the memory.
  if (db.kind === 'sqlite') {
    for (const pragma of ['synchronous = off', 'cache_size = -1048576'])
      await sql.raw(`pragma ${pragma}`).execute(db.write);
  }
  const vault = new AddressVault(await openMasterKey(db, join(dataDir, 'keys', 'master.key')));
  for (let first = 0; first < count; first += BATCH) {
    const people = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => createPerson(vault, first + n));
    await db.write.transaction().execute(async (trx) => {
      await bulkInsert(
        trx,
        db.kind,
        'customers',
        people.map(({ customer }) => customer),
      );
      await bulkInsert(
        trx,
        db.kind,
        'devices',
        people.map(({ device }) => device),
      );
      await bulkInsert(
        trx,
        db.kind,
        'device_addresses',
        people.map(({ address }) => address),
      );
      await bulkInsert(
        trx,
        db.kind,
        'passes',
        people.map(({ pass }) => pass),
      );
    });
    onProgress(first + people.length);
  }
}

type Person = {
  readonly customer: Selectable<Schema['customers']>;
  readonly device: Selectable<Schema['devices']>;
  readonly address: Selectable<Schema['device_addresses']>;
  readonly pass: Selectable<Schema['passes']>;
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
    device: { id: device, customer_id: id, name: null, class: 'phone', origin: 'registered', ...times },
    address: {
      hash: vault.hash(mac),
      tail_hash: vault.tailHash(tail),
      device_id: device,
      sealed: vault.seal(mac, owner),
      created_at: at,
      superseded_at: null,
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
      past_ms: 0,
      past_uses: 0,
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
