import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { whoIsIn } from './checkins/board.ts';
import type { EventDraft } from './checkins/event.ts';
import { countPresent } from './checkins/gauges.ts';
import { Ledger } from './checkins/ledger.ts';
import { addPass, getPass, listPasses, revokePass } from './checkins/passes.ts';
import { Recorder } from './checkins/recorder.ts';
import type { ListenAddress } from './config/listen.ts';
import type { Config } from './config/schema.ts';
import { openDatabase, type Database } from './db/database.ts';
import { lockDataDirectory } from './db/lock.ts';
import { createHttpServer, listen } from './http/server.ts';
import { createSetupCode } from './identity/setup-code.ts';
import { AddressVault } from './identity/address-vault.ts';
import { openMasterKey } from './identity/master-key.ts';
import { createToken, hasAdminToken } from './identity/tokens.ts';
import { TokenCache } from './identity/token-cache.ts';
import { EventFeed } from './outputs/feed.ts';
import { PresenceEngine } from './presence/engine.ts';
import { NasResets } from './presence/nas-resets.ts';
import { welcomeRegistered } from './presence/registration.ts';
import { readPresence } from './presence/state.ts';
import { PresenceTimers } from './presence/timers.ts';
import { UnregisteredStations } from './presence/unregistered.ts';
import { connectRedis, createRedis, redactedUrl, type Redis, type RedisTarget } from './redis/connect.ts';
import { readDurability } from './redis/durability.ts';
import { PrivateRedisServer } from './redis/private-server.ts';
import type { Clock } from './runtime/clock.ts';
import { randomText } from './runtime/id.ts';
import type { Logger } from './runtime/logger.ts';
import { createMetrics } from './runtime/metrics.ts';
import { createSource } from './sources/catalog.ts';
import type { Source } from './sources/source.ts';

/** What the service takes from the machine it runs on. */
export type AppEnvironment = { readonly clock: Clock; readonly log: Logger };

/** A running service. Disposing it stops taking in, finishes what is under way, and closes everything, in that order. */
export interface App extends AsyncDisposable {
  readonly httpUrl: string;
  /** The link for the first admin, and the file (mode 0600) that holds it; only while there is no admin. */
  readonly setupLink?: string;
  readonly setupLinkFile?: string;
  readonly radius: readonly ListenAddress[];
}

/** Most nodes run one shard; a Redis Cluster spreads several. */
const shards = 1;

/** Puts the service together. What was built when a step fails is taken apart again, last first. */
export async function openApp(config: Config, { clock, log }: AppEnvironment): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const metrics = createMetrics();
  const node = `${hostname()}-${process.pid}-${randomText(6)}`;

  stack.use(lockDataDirectory(config.dataDir));
  const db = stack.use(await openLedgerDatabase(config, { clock, log }));
  const masterKey = await openMasterKey(db, config.keyFile ?? join(config.dataDir, 'keys', 'master.key'));
  const vault = new AddressVault(masterKey);
  const registry = { db, clock, vault };
  const spaces = new Spaces(config.spaces);
  const directory = stack.use(await openDirectory({ registry, optIn: config.privacy.optIn, log }));

  const connection = await openRedis(config, log, stack);
  const { redis } = connection;
  const unregistered = new UnregisteredStations(redis, clock, log, (purpose) => masterKey.derive(purpose));
  const stem = randomText(8);
  let batches = 0;
  const engine = new PresenceEngine({
    redis,
    shards,
    logger: log,
    space: (id) => spaces.get(id),
    resolve: (station, identities) => directory.resolve(station, identities),
    unregistered,
    uniqueText: () => `${stem}${(batches += 1).toString(36)}-`,
    maxBacklog: config.maxBacklog,
    onIgnored: (reason) => metrics.observationsIgnored.inc({ reason }),
  });

  const feed = stack.use(await EventFeed.open(db, { publisher: redis, subscriber: await connection.another() }, log));
  const onRecorded = (lastSequence: number, events: readonly EventDraft[]): void => {
    for (const event of events) countEvent(metrics, event);
    feed.onRecorded(lastSequence);
  };
  const rules = (id: string) => spaces.get(id);
  const ledger = new Ledger({ db, clock, rules, onRecorded });
  for (let shard = 0; shard < shards; shard += 1) {
    const reader = await connection.another();
    stack.use(
      new Recorder({
        db,
        redis,
        reader,
        shard,
        node,
        clock,
        logger: log,
        rules,
        onRecorded,
        onDropped: (reason) => metrics.transitionsDropped.inc({ reason }),
        onPending: (pending) => metrics.transitionsPending.set(pending),
      }),
    );
  }
  stack.use(
    new PresenceTimers({
      redis,
      shards,
      logger: log,
      spaces: () => spaces.list(),
      maxBacklog: config.maxBacklog,
      onLag: (lagMs) => metrics.timerLag.set(lagMs / 1000),
    }),
  );
}
