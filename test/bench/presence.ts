import { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import { PresenceRestore } from '../../src/checkins/restore-presence.ts';
import { parseTransition, type StreamEntry } from '../../src/checkins/transitions.ts';
import { openDatabase } from '../../src/db/database.ts';
import { RuleBook } from '../../src/presence/rules.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import { PresenceTimers } from '../../src/presence/timers.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { startRedis } from '../support/redis.ts';
import { TempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { loadPopulation } from './population.ts';
import { type Figure, formatMs } from './table.ts';

export type PresenceOptions = {
  /** Customers whose deadlines are kept while a few hundred become due. */
  readonly tracked: number;
  /** Open visits that are put back into an empty Redis. */
  readonly visits: number;
  readonly progress: (text: string) => void;
};

const lateWindow = 86_400_000;
const hour = 3_600_000;
const space = { id: 'main', settle: 0, rejoin: hour, maxBlind: 2 * hour, timeZone: 'UTC', counts: () => true };
const log = createLogger({ level: 'silent' });
const packr = new Packr({ useRecords: false });
const BATCH = 250;
const LEAVING = 500;

/** Deadlines among a million others, and presence put back from the ledger: what no accounting load shows. */
export async function measurePresence(options: PresenceOptions): Promise<readonly Figure[]> {
  await using server = await startRedis({ appendfsync: 'everysec' });
  const redis = new Redis(server.url);
  try {
    const latestMs = await measureDeadlines(redis, options);
    await redis.flushall();
    const rebuildSeconds = await measureRebuild(redis, options);
    return [
      {
        what: `a deadline among ${options.tracked} is found after`,
        measured: formatMs(latestMs),
        goal: '1,000 ms',
        met: latestMs < 1_000,
      },
      {
        what: `${options.visits} open visits put back into an empty Redis`,
        measured: `${rebuildSeconds.toFixed(1)} s`,
        goal: '10 s',
        met: rebuildSeconds < 10,
      },
    ];
  } finally {
    redis.disconnect();
  }
}

async function measureDeadlines(redis: Redis, { tracked, progress }: PresenceOptions): Promise<number> {
  const rules = new RuleBook(
    [
      { ...space, idleTimeout: hour },
      { ...space, id: 'brief', idleTimeout: 3_000, rejoin: 0 },
    ],
    lateWindow,
    systemClock,
  );
  let count = 0;
  const uniqueText = (): string => `v${(count += 1)}-`;
  const store = new PresenceStore({ redis, shard: 0, uniqueText, maxBacklog: 10_000_000, onLost: () => undefined });
  store.epoch = 'bench';
  const beat = async (): Promise<void> => {
    await redis.hset(store.keys.clock, 'epoch', store.epoch, 'beat', Date.now());
  };
  await beat();
  const beating = setInterval(() => void beat(), 500);
  await using timers = new PresenceTimers({ stores: [store], rules, logger: log, onLag: () => undefined });
  try {
    const arrive = async (where: string, rule: number, first: number, many: number): Promise<void> => {
      const at = Date.now();
      const sightings = Array.from({ length: many }, (_, n) => {
        const id = first + n;
        return [`${where}|c${id}`, `dev_${id}`, id + 1, 3, at, at, -1, rule, 0, false];
      });
      await store.observe(packr.pack(sightings), rules.list);
    };
    for (let first = 0; first < tracked; first += BATCH) {
      await arrive('main', 1, first, Math.min(BATCH, tracked - first));
      if (first % 100_000 === 0) progress(`${tracked} customers arrive: ${Math.floor((first / tracked) * 100)} %`);
    }
    progress(`${LEAVING} of them leave`);
    await redis.xtrim(store.keys.transitions, 'MAXLEN', 0);
    await arrive('brief', 2, tracked, LEAVING);
    await until('all have left', async () => (await redis.xlen(store.keys.transitions)) >= 2 * LEAVING, 30_000);
    const entries = (await redis.xrange(store.keys.transitions, '-', '+')) as unknown as StreamEntry[];
    const late = entries.map(parseTransition).flatMap((transition) => {
      if (transition?.type !== 'visit' || transition.state !== 'closed') return [];
      return [transition.detectedAt - transition.lastActivityAt - 3_000];
    });
    if (timers.isFailing || late.length !== LEAVING)
      throw new Error(`${late.length} of ${LEAVING} departures were found`);
    return Math.max(...late);
  } finally {
    clearInterval(beating);
  }
}

async function measureRebuild(redis: Redis, { visits, progress }: PresenceOptions): Promise<number> {
  await using place = new TempDir();
  progress(`${visits} open visits in the ledger`);
  await loadPopulation(place.path, visits, () => undefined);
  await using db = await openDatabase(
    { dataDir: place.path },
    { migrate: true, clock: systemClock, onError: (error) => log.error(error) },
  );
  const customers = await db.read.selectFrom('customers').select('id').execute();
  const now = Date.now();
  for (let first = 0; first < customers.length; first += 1_000) {
    const rows = customers.slice(first, first + 1_000).map(({ id }, n) => ({
      id: `v${first + n}`,
      customer_id: id,
      space_id: 'main',
      arrived_at: now - hour,
      last_activity_at: now - 60_000,
      departed_at: null,
      reason: null,
      revision: 1,
      runs: '[]',
    }));
    await db.write.insertInto('visits').values(rows).execute();
  }
  const store = new PresenceStore({
    redis,
    shard: 0,
    uniqueText: () => 'x',
    maxBacklog: 1_000,
    onLost: () => undefined,
  });
  const restore = new PresenceRestore({
    db,
    stores: [store],
    node: 'bench',
    clock: systemClock,
    logger: log,
    space: (id) => (id === 'main' ? { ...space, idleTimeout: 900_000 } : undefined),
    lateWindow,
    onRebuilt: () => undefined,
  });
  progress('Redis is empty, and presence is put back');
  const began = performance.now();
  await restore.ensure();
  const seconds = (performance.now() - began) / 1_000;
  const put = await redis.hlen(store.keys.presence);
  if (put !== visits) throw new Error(`${put} of ${visits} visits were put back`);
  return seconds;
}
