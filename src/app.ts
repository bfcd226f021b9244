import { randomInt } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { accessPointHints, httpOptions, spaceCatalog, toSourceView } from './app-http.ts';
import { readiness } from './app-readiness.ts';
import { counted, countEvent, countRadius, metricsText } from './app-metrics.ts';
import { openConnections } from './app-redis.ts';
import { whoIsIn } from './checkins/board.ts';
import type { EventDraft } from './checkins/event.ts';
import { Ledger } from './checkins/ledger.ts';
import { Recorder } from './checkins/recorder.ts';
import type { ListenAddress } from './config/listen.ts';
import type { Config } from './config/schema.ts';
import { openDatabase, type Database } from './db/database.ts';
import { lockDataDirectory } from './db/lock.ts';
import { createHttpServer, listen } from './http/server.ts';
import { SetupCode } from './http/setup-code.ts';
import { AddressVault } from './identity/address-vault.ts';
import { DirectoryIndex } from './identity/directory-index.ts';
import { IndexFollower } from './identity/index-follower.ts';
import { openMasterKey } from './identity/master-key.ts';
import { TokenCache } from './identity/token-cache.ts';
import { hasAdminToken } from './identity/tokens.ts';
import { EventFeed } from './outputs/feed.ts';
import { PresenceEngine } from './presence/engine.ts';
import { NasResets } from './presence/nas-resets.ts';
import { welcomeRegistered } from './presence/registration.ts';
import { createSessionNumbers } from './presence/sighting.ts';
import { readPresence } from './presence/state.ts';
import { PresenceTimers } from './presence/timers.ts';
import { UnregisteredStations } from './presence/unregistered.ts';
import type { Clock } from './runtime/clock.ts';
import { randomText } from './runtime/id.ts';
import type { Logger } from './runtime/logger.ts';
import { createMetrics } from './runtime/metrics.ts';
import { createSource } from './sources/catalog.ts';
import { Spaces } from './spaces/spaces.ts';

/** What the service takes from the machine it runs on. */
export type AppEnvironment = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Holds the RADIUS secret when it was generated. */
  readonly radiusSecretFile?: string | undefined;
};

/** A running service. Disposing it stops taking in, finishes what is under way, and closes everything, in that order. */
export interface App extends AsyncDisposable {
  readonly welcome: Welcome;
}

export type Welcome = {
  readonly httpUrl: string;
  /** The link for the first admin, and the file (mode 0600) that holds it; only while there is no admin. */
  readonly setupLink?: string;
  readonly setupLinkFile?: string;
  /** Where RADIUS accounting is listened to. */
  readonly radius: readonly ListenAddress[];
};

/** A Redis Cluster would spread several; one server is best used by one. */
const shards = 1;

/** Puts the service together. What was built when a step fails is taken apart again, last first. */
export async function openApp(config: Config, { clock, log, radiusSecretFile }: AppEnvironment): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const metrics = createMetrics();

  stack.use(lockDataDirectory(config.dataDir));
  const db = stack.use(
    await openDatabase(
      { dataDir: config.dataDir, databaseUrl: config.databaseUrl?.reveal() },
      {
        migrate: true,
        clock,
        onError: (error) => log.warn({ err: error.message }, 'the database closed a connection'),
      },
    ),
  );
  const masterKey = await openMasterKey(db, config.keyFile ?? join(config.dataDir, 'keys', 'master.key'));
  const registry = { db, clock, vault: new AddressVault(masterKey) };
  const spaces = new Spaces(config.spaces);
  const tokens = new TokenCache(db, clock);

  const connections = await openConnections(config, log, stack);
  const { redis } = connections;
  const deriveKey = (purpose: string): Buffer => masterKey.derive(purpose);
  const sessionNumber = createSessionNumbers(deriveKey('session numbers'));
  const unregistered = new UnregisteredStations(redis, clock, log, { deriveKey, sessionNumber });
  const index = new DirectoryIndex(registry.vault);
  const engine = new PresenceEngine({
    redis,
    shards,
    logger: log,
    space: (id) => spaces.get(id),
    resolve: (station, identities) => index.resolve(station, identities),
    unregistered,
    uniqueText: uniqueTexts(),
    maxBacklog: config.maxBacklog,
    lateWindow: config.lateWindow,
    sessionNumber,
    onIgnored: (reason) => metrics.observationsIgnored.inc({ reason }),
    onStored: (seconds) => metrics.recordDuration.observe(seconds),
    clock,
  });
  stack.use(
    await IndexFollower.start({
      ...registry,
      index,
      seed: randomInt(2 ** 32),
      assumeOptIn: config.privacy.optIn === 'assumed',
      onRegistered: (registrations) => {
        for (const { station } of registrations) {
          welcomeRegistered({ clock, engine, unregistered, spaces: () => spaces.list() }, station).catch(
            (error: unknown) =>
              log.warn({ err: error }, 'a device that was registered is checked in by its next report'),
          );
        }
      },
      onChanges: (changes) => {
        if (changes === 'all') tokens.forget();
        else for (const { kind, key } of changes) if (kind === 'token') tokens.forget(key);
      },
      onError: (error, failures) => {
        if (failures === 1)
          log.warn({ err: error }, 'changes to customers and devices cannot be followed; trying again');
      },
    }),
  );

  const feed = stack.use(await EventFeed.open(db, { publisher: redis, subscriber: await connections.another() }, log));
  const onRecorded = (lastSequence: number, events: readonly EventDraft[]): void => {
    for (const event of events) countEvent(metrics, event);
    feed.onRecorded(lastSequence);
  };
  const rules = (id: string) => spaces.get(id);
  const ledger = new Ledger({ db, clock, rules, onRecorded });
  const node = `${hostname()}-${process.pid}-${randomText(6)}`;
  const recorders: Recorder[] = [];
  for (let shard = 0; shard < shards; shard += 1) {
    const recorder = new Recorder({
      db,
      redis,
      reader: await connections.another(),
      shard,
      node,
      clock,
      logger: log,
      rules,
      onRecorded,
      onDropped: (reason) => metrics.transitionsDropped.inc({ reason }),
      onPending: (pending) => metrics.transitionsPending.set(pending),
    });
    recorders.push(stack.use(recorder));
  }
  const timers = stack.use(
    new PresenceTimers({
      redis,
      shards,
      logger: log,
      spaces: () => spaces.list(),
      maxBacklog: config.maxBacklog,
      onLag: (lagMs) => metrics.timerLag.set(lagMs / 1000),
    }),
  );

  const nas = new NasResets(redis);
  const sink = counted(engine, metrics);
  const sources = config.sources.map((source) =>
    createSource(source, { clock, logger: log, sink, nas, count: countRadius(metrics), lateWindow: config.lateWindow }),
  );
  const setupCode = new SetupCode(clock);
  const http = createHttpServer({
    options: httpOptions(config),
    log,
    registry,
    tokens,
    readiness: () => readiness({ db, redis, shards, engine, timers, recorders, maxBacklog: config.maxBacklog }),
    metricsText: async () => await metricsText(metrics, db, sources),
    spaces: spaceCatalog(spaces),
    sources: () => sources.map(toSourceView),
    feed,
    ledger,
    unregistered,
    whoIsIn: (spaceId, page) =>
      whoIsIn(
        {
          db,
          readPresence: (space, customerIds) => readPresence(redis, shards, space, customerIds),
          idleTimeout: (id) => spaces.get(id)?.idleTimeout,
        },
        spaceId,
        page,
      ),
    setup: { code: setupCode, accessPoints: () => accessPointHints(config, radiusSecretFile) },
  });
  stack.defer(() => http.close());
  const httpUrl = await listen(http, config.http.listen);
  // Last to start and first to stop: whatever comes in finds everything behind it at work.
  for (const source of sources) await stack.use(source).start();
  const welcome = {
    httpUrl,
    radius: config.sources.map((source) => source.listen),
    ...(await offerSetup(config, registry, setupCode, httpUrl)),
  };
  const running = stack.move();
  return { welcome, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Stems of visit ids: no two calls, nodes or runs give the same. */
function uniqueTexts(): () => string {
  const stem = randomText(10);
  let count = 0;
  return () => `${stem}${(count++).toString(36)}-`;
}

/** While nobody can act as an admin, a link that makes the first one, and a file that only its owner may read. */
async function offerSetup(
  config: Config,
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  { code }: SetupCode,
  httpUrl: string,
): Promise<Pick<Welcome, 'setupLink' | 'setupLinkFile'>> {
  const setupLinkFile = join(config.dataDir, 'setup-link');
  rmSync(setupLinkFile, { force: true });
  if (config.http.adminToken !== undefined || (await hasAdminToken(db, clock))) return {};
  const setupLink = `${config.http.publicUrl ?? httpUrl}/start#${code}`;
  writeFileSync(setupLinkFile, `${setupLink}\n`, { mode: 0o600 });
  return { setupLink, setupLinkFile };
}
