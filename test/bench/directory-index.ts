import { randomBytes } from 'node:crypto';
import { openDatabase } from '../../src/db/database.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { loadTables } from '../../src/identity/directory-source.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import { macFromBytes, type MacAddress } from '../../src/observation/mac-address.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { newId } from '../../src/runtime/id.ts';
import { TempDir } from '../support/temp-dir.ts';

/** A million devices, each of its own customer, from SQLite into memory; then looked up as packets would. */
const devices = Number(process.argv[2] ?? 1_000_000);
const rowsPerStatement = 5_000;

const vault = new AddressVault(new MasterKey(randomBytes(32)));
await using dir = new TempDir();
await using db = await openDatabase(
  { dataDir: dir.path },
  { migrate: true, clock: systemClock, onError: (error) => console.error(error) },
);
await populate();

const before = memory();
const loadStart = performance.now();
const index = new DirectoryIndex(vault, await loadTables(db, 1, { assumeOptIn: true }));
const loadMs = performance.now() - loadStart;
const used = memory() - before;

const stations = Array.from({ length: devices }, (_, number) => stationOf(number));
const strangers = Array.from({ length: 200_000 }, (_, number) => stationOf(devices + number));
const some = stations.slice(0, 1000);
const identities = some.map((_, number) => [`Person-${number}@example.org`]);
resolveAll(stations.slice(0, 20_000));

print('load from SQLite', '< 5 s', `${(loadMs / 1000).toFixed(2)} s`);
print('memory in typed arrays and heap', '< 150 MB', `${used.toFixed(0)} MB`);
print('first look-up of a station', '< 4 us', `${resolveAll(stations.slice(20_000)).toFixed(2)} us`);
print('later look-ups, over all stations', '< 0.5 us', `${resolveAll(stations).toFixed(2)} us`);
print('later look-ups, over 1,000 stations', '< 0.5 us', `${repeat(() => resolveAll(some)).toFixed(2)} us`);
print('first look-up of a stranger', '< 4 us', `${resolveAll(strangers).toFixed(2)} us`);
print('later look-ups of strangers', '< 0.5 us', `${resolveAll(strangers).toFixed(2)} us`);
print('by station and identity', '< 1 us', `${repeat(resolveIdentities).toFixed(2)} us`);

function resolveAll(wanted: readonly MacAddress[]): number {
  const start = performance.now();
  for (const station of wanted) index.resolve(station, undefined);
  return ((performance.now() - start) * 1000) / wanted.length;
}

function resolveIdentities(): number {
  const start = performance.now();
  for (let at = 0; at < some.length; at++) index.resolve(some[at], identities[at]);
  return ((performance.now() - start) * 1000) / some.length;
}

/** The median, once the code is warm. */
function repeat(measure: () => number): number {
  const figures = Array.from({ length: 200 }, measure).toSorted((a, b) => a - b);
  return figures[100] as number;
}

async function populate() {
  const now = systemClock.now();
  const dataKey = vault.createDataKey('shared');
  for (let from = 0; from < devices; from += rowsPerStatement) {
    const numbers = Array.from({ length: Math.min(rowsPerStatement, devices - from) }, (_, at) => from + at);
    const people = numbers.map((number) => ({ number, customerId: `customer-${number}`, deviceId: newId('dev') }));
    await db.write.transaction().execute(async (trx) => {
      for (let at = 0; at < people.length; at += 1_000) {
        const some = people.slice(at, at + 1_000);
        await trx
          .insertInto('customers')
          .values(
            some.map(({ number, customerId }) => ({
              id: customerId,
              name: `Person ${number}`,
              email: null,
              plan_id: null,
              active: 1 as const,
              opted_in: null,
              share_name: 0 as const,
              data_key: dataKey,
              created_at: now,
              updated_at: now,
            })),
          )
          .execute();
        const identified = some.filter(({ number }) => number < 1_000);
        if (identified.length > 0) {
          const rows = identified.map(({ number, customerId }) => ({
            identity: `person-${number}@example.org`,
            spelling: `person-${number}@example.org`,
            customer_id: customerId,
          }));
          await trx.insertInto('identities').values(rows).execute();
        }
        await trx
          .insertInto('devices')
          .values(
            some.map(({ customerId, deviceId }) => ({
              id: deviceId,
              customer_id: customerId,
              name: null,
              class: 'phone',
              created_at: now,
              updated_at: now,
            })),
          )
          .execute();
        await trx
          .insertInto('device_addresses')
          .values(
            some.map(({ number, deviceId }) => ({
              hash: vault.hash(stationOf(number)),
              tail_hash: '',
              device_id: deviceId,
              sealed: 'x'.repeat(46),
              created_at: now,
              retired_at: null,
            })),
          )
          .execute();
      }
    });
  }
}

function stationOf(number: number): MacAddress {
  const bytes = Uint8Array.of(0x02, 0x00, 0x5e, number >> 16, number >> 8, number);
  return macFromBytes(bytes) as MacAddress;
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

function print(what: string, goal: string, figure: string) {
  console.log(`${what.padEnd(40)} ${goal.padStart(10)} ${figure.padStart(10)}`);
}
