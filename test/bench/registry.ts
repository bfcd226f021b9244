import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { loadTables } from '../../src/identity/directory-source.ts';
import { putDevice } from '../../src/identity/devices.ts';
import { IndexFollower } from '../../src/identity/index-follower.ts';
import { openMasterKey } from '../../src/identity/master-key.ts';
import { parseMacAddress, type MacAddress } from '../../src/observation/mac-address.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { PostgresServer } from '../support/postgres.ts';
import { Service } from '../support/service.ts';
import { TempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { residentMegabytes } from './machine.ts';
import { loadPopulation, stationAddress } from './population.ts';
import { formatMs, type Figure } from './table.ts';

export type RegistryOptions = { readonly devices: number; readonly progress: (text: string) => void };

const SETTLED_MS = 5_000;
const STRANGERS = 100_000;
/** As many as are in at a time in the largest of installations. */
const PRESENT = 100_000;
const CHANGES = 20;

/** As many registered devices as a large installation has: what they cost, and how soon a change is known. */
export async function measureRegistry({ devices, progress }: RegistryOptions): Promise<readonly Figure[]> {
  await using population = new TempDir();
  await loadPopulation(population.path, devices, (done) => say(progress, 'SQLite', done, devices));
  const service = await measureService(population.path, progress);
  progress('looking devices up');
  const lookUps = await measureLookUps(population.path, devices);
  const visibleMs = await measureVisibility(devices, progress);
  return [
    goal(`${devices} devices: start to ready`, `${service.startSeconds.toFixed(1)} s`, '5 s', service.startSeconds < 5),
    goal('  memory of the service', `${service.megabytes.toFixed(0)} MB`, '250 MB', service.megabytes < 250),
    goal('  look-up, first time, median', microseconds(lookUps.firstUs), '4 us', lookUps.firstUs < 4),
    goal('  look-up, later, of all in turn, median', microseconds(lookUps.laterUs), '0.5 us', lookUps.laterUs < 0.5),
    goal(`  look-up, later, of ${PRESENT} in turn`, microseconds(lookUps.presentUs), '0.5 us', lookUps.presentUs < 0.5),
    goal(
      '  look-up of a stranger, first and later',
      `${microseconds(lookUps.strangerUs)}, ${microseconds(lookUps.strangerLaterUs)}`,
    ),
    goal('  change known to another node, latest', formatMs(visibleMs), '1,000 ms', visibleMs < 1_000),
  ];
}

async function measureService(population: string, progress: (text: string) => void) {
  progress('starting the service');
  await using service = await Service.prepare();
  await cp(population, service.dataDir, { recursive: true });
  // The first start of a version compiles it.
  await service.start();
  await service.kill('SIGTERM');
  const began = performance.now();
  await service.start();
  const startSeconds = (performance.now() - began) / 1000;
  await delay(SETTLED_MS);
  return { startSeconds, megabytes: residentMegabytes(service.pid) };
}

async function measureLookUps(population: string, devices: number) {
  await using db = await open(population);
  const index = new DirectoryIndex(await openVault(db, population), await loadTables(db, 1, { assumeOptIn: true }));
  // Warm code, cold stations.
  const warm = devices / 50;
  resolveAll(index, 0, warm);
  return {
    firstUs: resolveAll(index, warm, devices),
    laterUs: resolveAll(index, 0, devices),
    presentUs: Math.min(resolveAll(index, 0, PRESENT), resolveAll(index, 0, PRESENT)),
    strangerUs: resolveAll(index, devices, devices + STRANGERS),
    strangerLaterUs: resolveAll(index, devices, devices + STRANGERS),
  };
}

const GROUP = 50;

/**
 * The median of a look-up, in microseconds. One is too short for the clock, so it is that of groups, whose addresses are
 * made just before, as they are when they come out of a packet.
 */
function resolveAll(index: DirectoryIndex, first: number, end: number): number {
  const groups: number[] = [];
  for (let from = first; from + GROUP <= end; from += GROUP) {
    const stations = Array.from({ length: GROUP }, (_, n) => parseMacAddress(stationAddress(from + n)));
    // Text that was put together becomes one piece when it is first read, which others have done by then.
    for (const station of stations) station?.charCodeAt(0);
    const began = performance.now();
    for (const station of stations) index.resolve(station, undefined);
    groups.push(((performance.now() - began) * 1000) / GROUP);
  }
  return groups.toSorted((a, b) => a - b)[Math.floor(groups.length / 2)] ?? Number.NaN;
}

/** From the commit of one node until another finds the device, the latest of some. */
async function measureVisibility(devices: number, progress: (text: string) => void): Promise<number> {
  await using postgres = await PostgresServer.start();
  await using dir = new TempDir();
  const databaseUrl = await postgres.createDatabase();
  await loadPopulation(dir.path, devices, (done) => say(progress, 'PostgreSQL', done, devices), databaseUrl);
  await using writer = await open(dir.path, databaseUrl);
  await using reader = await open(dir.path, databaseUrl);
  const vault = await openVault(writer, dir.path);
  const index = new DirectoryIndex(vault);
  await using _follower = await IndexFollower.start({
    db: reader,
    vault,
    clock: systemClock,
    index,
    seed: 1,
    assumeOptIn: true,
    onRegistered: () => undefined,
    onChanges: () => undefined,
    onError: rethrow,
  });
  let latest = 0;
  for (let n = 0; n < CHANGES; n += 1) {
    const station = stationAddress(devices + n) as MacAddress;
    await putDevice({ db: writer, clock: systemClock, vault }, station, { customerId: `bench-${n}` });
    const committed = performance.now();
    await until('the other node knows the device', () => index.resolve(station, undefined) !== undefined);
    latest = Math.max(latest, performance.now() - committed);
  }
  return latest;
}

function open(dataDir: string, databaseUrl?: string): Promise<Database> {
  return openDatabase({ dataDir, databaseUrl }, { migrate: true, clock: systemClock, onError: rethrow });
}

async function openVault(db: Database, dataDir: string): Promise<AddressVault> {
  return new AddressVault(await openMasterKey(db, join(dataDir, 'keys', 'master.key')));
}

function say(progress: (text: string) => void, where: string, done: number, devices: number): void {
  progress(`registering ${devices} devices in ${where}: ${Math.floor((done / devices) * 10) * 10} %`);
}

function goal(what: string, measured: string, wanted?: string, met?: boolean): Figure {
  return { what, measured, ...(wanted === undefined ? {} : { goal: wanted }), ...(met === undefined ? {} : { met }) };
}

function microseconds(value: number): string {
  return `${value.toFixed(2)} us`;
}

function rethrow(error: unknown): never {
  throw error;
}
