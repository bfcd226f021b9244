import { randomInt } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { accessPointHints, httpOptions, spaceCatalog } from './app-http.ts';
import { createReadiness } from './app-readiness.ts';
import { counted, countEvent, countRadius, metricsText } from './app-metrics.ts';
import { openConnections } from './app-redis.ts';
import { keepRestored, watchSources } from './app-loops.ts';
import { keepRetention } from './app-retention.ts';
import { toSourceView } from './app-sources.ts';
import { whoIsIn, type BoardPorts } from './checkins/board.ts';
import type { EventDraft } from './checkins/event.ts';
import { Ledger } from './checkins/ledger.ts';
import { Recorder } from './checkins/recorder.ts';
import { PresenceRestore } from './checkins/restore-presence.ts';
import { SourceEvents } from './checkins/source-events.ts';
import { findWhy } from './checkins/why.ts';
import type { ListenAddress } from './config/listen.ts';
import type { Config } from './config/schema.ts';
import { openDatabase, type Database } from './db/database.ts';
import { lockDataDirectory } from './db/lock.ts';
import { createHttpServer, listen, type HttpServerPorts } from './http/server.ts';
import { SetupCode } from './http/setup-code.ts';
import { AddressVault } from './identity/address-vault.ts';
import { createAuditKeys } from './identity/audit-keys.ts';
import { DirectoryIndex } from './identity/directory-index.ts';
import { namesOf } from './identity/identity-policy.ts';
import { IndexFollower } from './identity/index-follower.ts';
import { masterKeyFile, openMasterKey } from './identity/master-key.ts';
import { TokenCache } from './identity/token-cache.ts';
import { hasAdminToken } from './identity/tokens.ts';
import type { MacAddress } from './observation/mac-address.ts';
import { EventFeed } from './outputs/feed.ts';
import { PresenceEngine } from './presence/engine.ts';
import { Heartbeat } from './presence/heartbeat.ts';
import { NasWatch } from './presence/nas-watch.ts';
import { PresenceClock } from './presence/presence-clock.ts';
import { welcomeRegistered } from './presence/registration.ts';
import { createSessionNumbers } from './presence/sighting.ts';
import { RuleBook } from './presence/rules.ts';
import { readPresence } from './presence/state.ts';
import { PresenceStore } from './presence/store.ts';
import { PresenceTimers } from './presence/timers.ts';
import { UnregisteredStations } from './presence/unregistered.ts';
import type { Clock } from './runtime/clock.ts';
import { randomText } from './runtime/id.ts';
import type { Logger } from './runtime/logger.ts';
import { createMetrics, type Metrics } from './runtime/metrics.ts';
import { createSource } from './sources/catalog.ts';
import type { Source } from './sources/source.ts';
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

/** What every part of the service is given. What is opened goes onto the stack, and is closed in the reverse order. */
type Base = AppEnvironment & {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly spaces: Spaces;
  readonly stack: AsyncDisposableStack;
  /** A name that no other process has or had. */
  readonly node: string;
};

/** Puts the service together. What was built when a step fails is taken apart again, last first. */
export async function openApp(config: Config, environment: AppEnvironment): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const node = `${hostname()}-${process.pid}-${randomText(6)}`;
  const spaces = new Spaces(config.spaces);
  const base = { ...environment, config, metrics: createMetrics(), spaces, stack, node };
  const stores = await openStores(base);
  const presence = await openPresence(base, stores);
  const checkIns = await openCheckIns(base, stores);
  const sources = createSources(base, presence);
  const setupCode = new SetupCode(base.clock);
  const http = createHttpServer(httpPorts(base, stores, presence, checkIns, sources, setupCode));
  stack.defer(() => http.close());
  const httpUrl = await listen(http, config.http.listen);
  // Last to start and first to stop: whatever comes in finds everything behind it at work.
  for (const source of sources) await stack.use(source).start();
  await presence.heartbeat.start();
  watchSources(base, checkIns.sourceEvents, sources);
  const radius = config.sources.map((source) => source.listen);
  const welcome = { httpUrl, radius, ...(await offerSetup(config, stores.registry, setupCode, httpUrl)) };
  const running = stack.move();
  return { welcome, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

type Stores = Awaited<ReturnType<typeof openStores>>;

/** Where everything is kept: the data directory, SQL, the master key, Redis. */
async function openStores({ config, clock, log, stack }: Base) {
  stack.use(lockDataDirectory(config.dataDir));
  const onError = (error: Error): void => log.warn({ err: error.message }, 'the database closed a connection');
  const place = { dataDir: config.dataDir, databaseUrl: config.databaseUrl?.reveal() };
  const db = stack.use(await openDatabase(place, { migrate: true, clock, onError }));
  const masterKey = await openMasterKey(db, masterKeyFile(config));
  const vault = new AddressVault(masterKey);
  db.audit.open(createAuditKeys(masterKey, vault), clock);
  const registry = { db, clock, vault };
  const connections = await openConnections(config, log, stack);
  return { db, masterKey, registry, tokens: new TokenCache(db, clock), connections, redis: connections.redis };
}

type Presence = Awaited<ReturnType<typeof openPresence>>;

/** From observations to transitions: the directory in memory, the engine, the timers. */
async function openPresence(base: Base, stores: Stores) {
  const { config, log, metrics, spaces, stack } = base;
  const { registry, masterKey, tokens, redis } = stores;
  const clock = new PresenceClock(base.clock);
  const deriveKey = (purpose: string): Buffer => masterKey.derive(purpose);
  const sessionNumber = createSessionNumbers(deriveKey('session numbers'));
  const unregistered = new UnregisteredStations(redis, clock, log, { deriveKey, sessionNumber });
  const index = new DirectoryIndex(registry.vault);
  const rules = new RuleBook(spaces.list(), config.lateWindow, clock);
  const watch = new NasWatch(sessionNumber);
  const uniqueText = uniqueTexts();
  const { maxBacklog } = config;
  const shardStores = Array.from(
    { length: shards },
    (_, shard) => new PresenceStore({ redis, shard, uniqueText, maxBacklog, onLost: () => restoring.wake() }),
  );
  const restore = new PresenceRestore({
    db: stores.db,
    stores: shardStores,
    node: base.node,
    clock: base.clock,
    logger: log,
    space: (id) => spaces.get(id),
    lateWindow: config.lateWindow,
    onRebuilt: () => metrics.redisRebuilds.inc(),
  });
  await restore.ensure();
  const restoring = keepRestored(base, restore, redis);
  const [store] = shardStores as [PresenceStore];
  const heartbeat = stack.use(new Heartbeat({ store, watch, clock, logger: log }));
  const engine = new PresenceEngine({
    stores: shardStores,
    rules,
    watch,
    clock,
    logger: log,
    space: (id) => spaces.get(id),
    resolve: (station, identities, spaceId) => {
      const policy = spaces.get(spaceId)?.identities;
      return policy === undefined ? undefined : index.resolve(station, namesOf(identities, policy), policy);
    },
    unregistered,
    onLearned: () => heartbeat.beat(),
    lateWindow: config.lateWindow,
    sessionNumber,
    onIgnored: (reason) => metrics.observationsIgnored.inc({ reason }),
    onStored: (seconds) => metrics.recordDuration.observe(seconds),
  });
  const welcome = (station: MacAddress): void => {
    welcomeRegistered({ clock, engine, unregistered, spaces: () => spaces.list() }, station).catch((error: unknown) =>
      log.warn({ err: error }, 'a device that was registered is checked in by its next report'),
    );
  };
  stack.use(
    await IndexFollower.start({
      ...registry,
      index,
      seed: randomInt(2 ** 32),
      assumeOptIn: config.privacy.optIn === 'assumed',
      onRegistered: (registrations) => registrations.forEach(({ station }) => welcome(station)),
      onChanges: (changes) => {
        if (changes === 'all') tokens.forget();
        else for (const { kind, key } of changes) if (kind === 'token') tokens.forget(key);
      },
      onError: (err, failures) => {
        if (failures === 1) log.warn({ err }, 'changes to customers and devices cannot be followed; trying again');
      },
    }),
  );
  const timers = stack.use(
    new PresenceTimers({
      stores: shardStores,
      logger: log,
      rules,
      onLag: (lagMs) => metrics.timerLag.set(lagMs / 1000),
    }),
  );
  return { engine, unregistered, timers, heartbeat, clock, stores: shardStores };
}

type CheckIns = Awaited<ReturnType<typeof openCheckIns>>;

/** From transitions to the ledger, and from the ledger to whoever listens. */
async function openCheckIns(base: Base, { db, redis, connections }: Stores) {
  const { clock, log, metrics, node, spaces, stack } = base;
  const feed = stack.use(await EventFeed.open(db, { publisher: redis, subscriber: await connections.another() }, log));
  const onRecorded = (lastSequence: number, events: readonly EventDraft[]): void => {
    for (const event of events) countEvent(metrics, event);
    feed.onRecorded(lastSequence);
  };
  const rules = (id: string) => spaces.get(id);
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
  keepRetention(base, db, redis);
  const sourceEvents = new SourceEvents(db, clock, onRecorded);
  return { feed, recorders, sourceEvents, ledger: new Ledger({ db, clock, rules, onRecorded }) };
}

function createSources({ config, log, metrics }: Base, { engine, heartbeat, clock }: Presence): Source[] {
  const ports = {
    clock,
    logger: log,
    sink: counted(engine, metrics),
    nas: heartbeat,
    count: countRadius(metrics),
    steppedBy: () => clock.steppedBy,
    lateWindow: config.lateWindow,
  };
  return config.sources.map((source) => createSource(source, ports));
}

/** What HTTP shows and changes. */
function httpPorts(
  { config, clock, log, metrics, spaces, radiusSecretFile }: Base,
  { db, redis, registry, tokens }: Stores,
  { unregistered, timers, heartbeat, clock: presenceClock, stores: presenceStores }: Presence,
  { feed, ledger, recorders }: CheckIns,
  sources: readonly Source[],
  setupCode: SetupCode,
): HttpServerPorts {
  const now = (): number => presenceClock.now();
  const board: BoardPorts = {
    db,
    readPresence: async (spaceId, customerIds) => {
      const space = spaces.get(spaceId);
      if (space === undefined) return customerIds.map(() => undefined);
      return await readPresence(presenceStores, space, { lateWindow: config.lateWindow, now: now() }, customerIds);
    },
  };
  const readOne = async (spaceId: string, customerId: string) => (await board.readPresence(spaceId, [customerId]))[0];
  return {
    options: httpOptions(config),
    log,
    registry,
    tokens,
    readiness: createReadiness({ db, redis, shards, timers, recorders, maxBacklog: config.maxBacklog }, clock),
    metricsText: () => metricsText(metrics, db, sources),
    spaces: spaceCatalog(spaces),
    sources: () => sources.map((source) => toSourceView(source, heartbeat.nases, spaces)),
    feed,
    ledger,
    unregistered,
    whoIsIn: (spaceId, page) => whoIsIn(board, spaceId, page),
    why: (who, options) => findWhy({ db, now, spaces: () => spaces.list(), readPresence: readOne }, who, options),
    setup: { code: setupCode, accessPoints: () => accessPointHints(config, radiusSecretFile) },
  };
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
