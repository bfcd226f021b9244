import { execFileSync } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../support/child.ts';
import { Service } from '../support/service.ts';
import { TempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { countCheckIns, latestDetectionMs, requireCheckIns } from './ledger.ts';
import { residentMegabytes } from './machine.ts';
import { loadPopulation } from './population.ts';
import { buildSender, type LoadResult, type Sender } from './sender.ts';
import { type Figure, formatMs, formatRate } from './table.ts';

export type AccountingOptions = {
  readonly devices: number;
  /** How long each of the rate measurements lasts. */
  readonly seconds: number;
  readonly progress: (text: string) => void;
};

export type AccountingResults = {
  readonly floors: readonly LoadResult[];
  readonly arrivals: LoadResult;
  readonly arrivalsRecordedSeconds: number;
  readonly interims: readonly LoadResult[];
  readonly ratioToFloor: number;
  readonly offered: LoadResult;
  readonly redisBytesPerCustomer: number;
  readonly serviceMegabytes: number;
  readonly departures: Departures;
};

type Departures = {
  /** From the moment the last of them was due until the last check-out was in the ledger. */
  readonly recordedSeconds: number;
  readonly detectedLateMs: number;
  /** What those who stayed saw meanwhile. */
  readonly p99Ms: number;
};

const OFFERED_PER_SECOND = 10_000;
const STAYERS = 1_000;
const STAYERS_PER_SECOND = 2_000;
const DEPARTURE_IDLE_SECONDS = 20;
const GOAL_RATIO = 0.6;

/**
 * Accounting at full speed: the floor and the service in turns, on the same machine in the same minute. The service
 * has everything switched on: registered devices with customers and passes, deltas, a private Redis that syncs before
 * every acknowledgement, the SQLite ledger.
 */
export async function measureAccounting(
  options: AccountingOptions,
): Promise<{ readonly figures: readonly Figure[]; readonly results: AccountingResults }> {
  using sender = buildSender();
  await using population = new TempDir();
  const people = options.devices + STAYERS;
  await loadPopulation(population.path, people, (done) => {
    const percent = Math.floor((done / people) * 10) * 10;
    options.progress(`registering ${people} customers: ${percent} %`);
  });
  const steady = await measureSteadyState(sender, population, options);
  const departures = await measureDepartures(sender, population, options);
  const results = { ...steady, departures };
  return { results, figures: toFigures(results) };
}

async function measureSteadyState(
  sender: Sender,
  population: TempDir,
  options: AccountingOptions,
): Promise<Omit<AccountingResults, 'departures'>> {
  const { devices, seconds, progress } = options;
  await using service = await startService(population, '30m');
  const to = { port: service.radiusPort, secret: service.radiusSecret, devices };
  const floors = [await measureFloor(sender, options)];
  const emptyBytes = redisMemory(service);

  progress(`all ${devices} devices arrive`);
  const arrivals = await sender.run({ ...to, status: 'start', requests: devices });
  const arrivedAt = performance.now();
  await until('every arrival is in the ledger', () => countCheckIns(service.dataDir).open === devices, 120_000);
  const arrivalsRecordedSeconds = (performance.now() - arrivedAt) / 1_000;
  const redisBytesPerCustomer = (redisMemory(service) - emptyBytes) / devices;

  const interims: LoadResult[] = [];
  let round = 1;
  for (let turn = 0; turn < 2; turn += 1) {
    progress(`interim updates, ${turn + 1} of 2`);
    const result = await sender.run({ ...to, status: 'interim', seconds, round });
    interims.push(result);
    round += Math.ceil(result.sent / devices) + 1;
    floors.push(await measureFloor(sender, options));
  }
  progress(`interim updates, ${OFFERED_PER_SECOND} offered per second`);
  const offered = await sender.run({ ...to, status: 'interim', seconds, round, rate: OFFERED_PER_SECOND });
  const serviceMegabytes = residentMegabytes(service.pid);
  requireCheckIns(service.dataDir, { open: devices, closed: 0 });
  const ratioToFloor = mean(interims) / mean(floors);
  return {
    floors,
    arrivals,
    arrivalsRecordedSeconds,
    interims,
    ratioToFloor,
    offered,
    redisBytesPerCustomer,
    serviceMegabytes,
  };
}

/** All leave at once by falling silent, while a thousand others stay and go on reporting. */
async function measureDepartures(
  sender: Sender,
  population: TempDir,
  { devices, progress }: AccountingOptions,
): Promise<Departures> {
  await using service = await startService(population, `${DEPARTURE_IDLE_SECONDS}s`);
  const to = { port: service.radiusPort, secret: service.radiusSecret };
  const staying = { ...to, first: devices, devices: STAYERS };
  progress(`all ${devices} devices arrive, and will fall silent`);
  await sender.run({ ...staying, status: 'start', requests: STAYERS });
  await sender.run({ ...to, devices, status: 'start', requests: devices });
  const dueAt = performance.now() + DEPARTURE_IDLE_SECONDS * 1_000;
  let p99Ms = 0;
  let round = 1;
  let recordedAt = dueAt;
  for (let closed = 0; closed < devices;) {
    progress(`waiting for ${devices} departures: ${closed} recorded`);
    const load = await sender.run({ ...staying, status: 'interim', seconds: 1, round, rate: STAYERS_PER_SECOND });
    p99Ms = Math.max(p99Ms, load.p99Ms);
    round += Math.ceil(load.sent / STAYERS) + 1;
    ({ closed } = countCheckIns(service.dataDir));
    recordedAt = performance.now();
    if (recordedAt > dueAt + 120_000)
      throw new Error(`only ${closed} of ${devices} departures were recorded in two minutes`);
  }
  requireCheckIns(service.dataDir, { open: STAYERS, closed: devices });
  return {
    recordedSeconds: Math.max(0, recordedAt - dueAt) / 1_000,
    detectedLateMs: latestDetectionMs(service.dataDir) - DEPARTURE_IDLE_SECONDS * 1_000,
    p99Ms,
  };
}

/** A service of its own whose ledger already knows everybody. */
async function startService(population: TempDir, idleTimeout: string): Promise<Service> {
  const service = await Service.prepare({ spaces: [{ id: 'main', idleTimeout }], config: { logLevel: 'warn' } });
  try {
    await cp(population.path, service.dataDir, { recursive: true });
    await service.start();
    return service;
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}

async function measureFloor(sender: Sender, { devices, seconds, progress }: AccountingOptions): Promise<LoadResult> {
  progress('the floor of one Node process');
  const secret = 'a-secret-for-the-floor-alone';
  const floor = new Child(process.execPath, [fileURLToPath(new URL('floor.ts', import.meta.url)), secret]);
  try {
    await floor.until('listening', () => floor.log.endsWith('\n'));
    return await sender.run({ port: Number(floor.log), secret, devices, seconds, status: 'interim' });
  } finally {
    await floor.stop();
  }
}

function redisMemory(service: Service): number {
  const socket = join(service.dataDir, 'redis', 'redis.sock');
  const info = execFileSync('redis-cli', ['-s', socket, 'info', 'memory'], { encoding: 'utf8' });
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

function mean(results: readonly LoadResult[]): number {
  return results.reduce((sum, { acknowledgedPerSecond }) => sum + acknowledgedPerSecond, 0) / results.length;
}

function toFigures(results: AccountingResults): readonly Figure[] {
  const { floors, arrivals, interims, ratioToFloor, offered, departures, redisBytesPerCustomer, serviceMegabytes } =
    results;
  const p99 = Math.max(...interims.map(({ p99Ms }) => p99Ms));
  const p50 = Math.max(...interims.map(({ p50Ms }) => p50Ms));
  return [
    { what: 'floor: one Node process that stores nothing', measured: formatRate(mean(floors)) },
    { what: 'accounting, acknowledged after fsync', measured: formatRate(mean(interims)) },
    {
      what: '  ratio to the floor',
      measured: ratioToFloor.toFixed(3),
      goal: String(GOAL_RATIO),
      met: ratioToFloor >= GOAL_RATIO,
    },
    { what: '  latency, p50 and p99', measured: `${formatMs(p50)}, ${formatMs(p99)}` },
    { what: 'arrivals, each of a customer not there before', measured: formatRate(arrivals.acknowledgedPerSecond) },
    { what: '  in the ledger after the last answer', measured: `${results.arrivalsRecordedSeconds.toFixed(1)} s` },
    {
      what: `p99 at ${OFFERED_PER_SECOND} offered/s`,
      measured: formatMs(offered.p99Ms),
      goal: '10 ms',
      met: offered.p99Ms < 10,
    },
    {
      what: 'all leave at once: in the ledger after',
      measured: `${departures.recordedSeconds.toFixed(1)} s`,
      goal: '20 s',
      met: departures.recordedSeconds < 20,
    },
    {
      what: '  p99 of those who stay',
      measured: formatMs(departures.p99Ms),
      goal: '50 ms',
      met: departures.p99Ms < 50,
    },
    {
      what: '  latest departure found after it was due',
      measured: formatMs(departures.detectedLateMs),
    },
    {
      what: 'Redis, per present customer with a session',
      measured: `${Math.round(redisBytesPerCustomer)} bytes`,
      goal: '500 bytes',
      met: redisBytesPerCustomer <= 500,
    },
    { what: 'memory of the service', measured: `${Math.round(serviceMegabytes)} MB` },
  ];
}
