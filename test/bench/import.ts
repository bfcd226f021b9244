/**
 * 100,000 devices of 50,000 customers from a CSV file, on both databases, with a directory that follows beside it, as in
 * the service. `node test/bench/import.ts [--json] [--rows 100000]`
 */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { bulkInsert } from '../../src/db/bulk.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { importDevices } from '../../src/identity/bulk/import-devices.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { IndexFollower } from '../../src/identity/index-follower.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { PostgresServer } from '../support/postgres.ts';
import { TempDir } from '../support/temp-dir.ts';
import { describeMachine } from './machine.ts';
import { endProgress, showProgress } from './progress.ts';
import { formatMs, formatRate, formatTable, type Figure } from './table.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rows: { type: 'string', default: '100000' } },
});
const rows = Number(values.rows);
const devicesEach = 2;

const figures: Figure[] = [];
await using dir = new TempDir();
await measure('SQLite', { dataDir: dir.path });
await using server = await PostgresServer.start();
await measure('PostgreSQL', { dataDir: dir.path, databaseUrl: await server.createDatabase() });
endProgress();
const machine = describeMachine();
if (values.json) process.stdout.write(`${JSON.stringify({ machine, rows, figures })}\n`);
else process.stdout.write(`${formatTable(figures)}\n\n${machine}; ${rows} rows\n`);

async function measure(name: string, place: { readonly dataDir: string; readonly databaseUrl?: string }) {
  const onError = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  await using db = await openDatabase(place, { migrate: true, clock: systemClock, onError });
  const registry = { db, clock: systemClock, vault: new AddressVault(new MasterKey(randomBytes(32))) };
  showProgress(`${name}: customers`);
  await addCustomers(registry);
  const index = new DirectoryIndex(registry.vault);
  let registered = 0;
  await using follower = await IndexFollower.start({
    ...registry,
    index,
    seed: 1,
    assumeOptIn: true,
    onRegistered: (some) => (registered += some.length),
    onChanges: () => undefined,
    onError,
  });
  const content = Buffer.from(createFile());
  showProgress(`${name}: import`);
  const first = await timed(() => run(registry, content));
  const behind = await timed(() => follower.settled());
  if (registered !== rows) throw new Error(`${registered} of ${rows} devices are in the directory`);
  showProgress(`${name}: the same again`);
  const again = await timed(() => run(registry, content));
  figures.push(
    { what: `${name}: import`, measured: seconds(first.ms), goal: '20 s', met: first.ms < 20_000 },
    { what: '  rows', measured: formatRate(rows / (first.ms / 1000)) },
    { what: '  others who write wait for', measured: formatMs(first.result.writingMs) },
    { what: '  longest delay of the event loop', measured: formatMs(first.delayMs) },
    { what: '  in the directory after', measured: seconds(behind.ms) },
    { what: '  longest delay of the event loop', measured: formatMs(behind.delayMs) },
    { what: '  the same file again', measured: seconds(again.ms) },
  );
}

async function run(registry: Registry, content: Buffer): Promise<{ readonly writingMs: number }> {
  let compared = 0;
  const report = await importDevices(
    registry,
    (async function* () {
      yield content;
    })(),
    {
      dryRun: false,
      mostBytes: content.length,
      onProgress: ({ step }) => {
        if (step !== 'writing') compared = performance.now();
      },
    },
  );
  if (report.created + report.unchanged !== rows) throw new Error(JSON.stringify(report));
  return { writingMs: performance.now() - compared };
}

async function timed<Result>(work: () => Promise<Result>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  delay.disable();
  return { ms, result, delayMs: delay.max / 1e6 };
}

async function addCustomers({ db, vault }: { readonly db: Database; readonly vault: AddressVault }) {
  const now = systemClock.now();
  const customers = Array.from({ length: Math.ceil(rows / devicesEach) }, (_, number) => ({
    id: `customer-${number}`,
    name: `Person ${number}`,
    email: null,
    plan_id: null,
    active: 1 as const,
    opted_in: null,
    share_name: 0 as const,
    data_key: vault.createDataKey(`customer-${number}`),
    created_at: now,
    updated_at: now,
  }));
  await db.write.transaction().execute((trx) => bulkInsert(trx, db.kind, 'customers', customers));
}

function createFile(): string {
  const lines = Array.from({ length: rows }, (_, number) => {
    const digits = number.toString(16).padStart(6, '0');
    return `02005e${digits},customer-${Math.floor(number / devicesEach)},"Phone, ${number}",phone`;
  });
  return `mac,customerId,name,class\n${lines.join('\n')}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
