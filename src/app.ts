import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createClaimNotes, followDevices } from './app-devices.ts';
import { createFindStation, noted } from './app-addresses.ts';
import { accessPointHints, httpOptions, spaceCatalog } from './app-http.ts';
import { createReadiness } from './app-readiness.ts';
import { counted, countRadius, metricsText } from './app-metrics.ts';
import { privacyPorts } from './app-privacy.ts';
import { watchSources } from './app-loops.ts';
import { findSourceAmong } from './app-push.ts';
import { toSourceView } from './app-sources.ts';
import { whoIsIn, type BoardPorts } from './checkins/board.ts';
import { readOwnPresence } from './checkins/own-presence.ts';
import { findWhy } from './checkins/why.ts';
import type { ListenAddress } from './config/listen.ts';
import { radiusSources, type Config } from './config/schema.ts';
import { type Database } from './db/database.ts';
import { createHttpServer, listen, type HttpServerPorts } from './http/server.ts';
import { SetupCode } from './http/setup-code.ts';
import { hasAdminToken } from './identity/tokens.ts';
import { readPresence } from './presence/state.ts';
import type { Clock } from './runtime/clock.ts';
import { randomText } from './runtime/id.ts';
import { createMetrics } from './runtime/metrics.ts';
import { createSource } from './sources/catalog.ts';
import type { Source } from './sources/source.ts';
import { Spaces } from './spaces/spaces.ts';
import { openCheckIns, type CheckIns } from './app-check-ins.ts';
import { openPresence, type Presence } from './app-presence.ts';
import { openStores, shards, type AppEnvironment, type Base, type Stores } from './app-stores.ts';

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

/** Puts the service together. What was built when a step fails is taken apart again, last first. */
export async function openApp(config: Config, environment: AppEnvironment): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const node = `${hostname()}-${process.pid}-${randomText(6)}`;
  const spaces = new Spaces(config.spaces);
  const base = { ...environment, config, metrics: createMetrics(), spaces, stack, node };
  const stores = await openStores(base);
  const presence = await openPresence(base, stores);
  const checkIns = await openCheckIns(base, stores, presence);
  const { owned, engine, stores: presenceStores, clock: presenceClock } = presence;
  const devicePorts = { ...base, ...stores, stores: presenceStores, sink: engine, now: () => presenceClock.now() };
  followDevices({ ...devicePorts, onRecorded: checkIns.onRecorded }, owned, stack);
  const sources = createSources(base, presence);
  const setupCode = new SetupCode(base.clock);
  const http = createHttpServer(httpPorts(base, stores, presence, checkIns, sources, setupCode));
  stack.defer(() => http.close());
  const httpUrl = await listen(http, config.http.listen);
  // Last to start and first to stop: whatever comes in finds everything behind it at work.
  for (const source of sources) await stack.use(source).start();
  await presence.heartbeat.start();
  watchSources(base, checkIns.sourceEvents, sources);
  const radius = radiusSources(config).map((source) => source.listen);
  const welcome = { httpUrl, radius, ...(await offerSetup(config, stores.registry, setupCode, httpUrl)) };
  const running = stack.move();
  return { welcome, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function createSources({ config, log, metrics }: Base, { engine, addresses, heartbeat, clock }: Presence): Source[] {
  const ports = {
    clock,
    logger: log,
    sink: counted(noted(engine, addresses), metrics),
    addresses,
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
  {
    unregistered,
    addresses,
    timers,
    heartbeat,
    index,
    withdrawals,
    clock: presenceClock,
    stores: presenceStores,
  }: Presence,
  { feed, ledger, recorders, erasures, onRecorded }: CheckIns,
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
    findSource: findSourceAmong(sources),
    sources: () => sources.map((source) => toSourceView(source, heartbeat.nases, spaces)),
    feed,
    ledger,
    unregistered,
    findStation: createFindStation(addresses),
    ownPresence: (customerId) =>
      readOwnPresence(
        board,
        spaces.list().map(({ id }) => id),
        customerId,
      ),
    onClaimRefused: createClaimNotes({ registry, onRecorded }),
    whoIsIn: (spaceId, page) => whoIsIn(board, spaceId, page),
    privacy: privacyPorts(
      { clock, spaceIds: () => spaces.list().map(({ id }) => id) },
      { registry, index },
      withdrawals,
      erasures,
      board,
    ),
    why: (who, options) => findWhy({ db, now, spaces: () => spaces.list(), readPresence: readOne }, who, options),
    setup: { code: setupCode, accessPoints: () => accessPointHints(config, radiusSecretFile) },
  };
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
