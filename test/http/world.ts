import type { FastifyInstance } from 'fastify';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { findWhy } from '../../src/checkins/why.ts';
import { whoIsIn, type BoardPorts } from '../../src/checkins/board.ts';
import { readOwnPresence } from '../../src/checkins/own-presence.ts';
import { Ledger } from '../../src/checkins/ledger.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { createHttpServer, listen, type HttpServerOptions, type HttpServerPorts } from '../../src/http/server.ts';
import { SetupCode } from '../../src/http/setup-code.ts';
import type { SourceView } from '../../src/http/routes/sources.ts';
import type { SpaceView } from '../../src/http/space-access.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { createAuditKeys } from '../../src/identity/audit-keys.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { openMasterKey } from '../../src/identity/master-key.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { TokenCache } from '../../src/identity/token-cache.ts';
import { createToken, type TokenInput } from '../../src/identity/tokens.ts';
import { EventFeed } from '../../src/outputs/feed.ts';
import { UnregisteredStations } from '../../src/presence/unregistered.ts';
import { readPresence } from '../../src/presence/state.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import { lateWindow, rulesOf } from '../support/presence-world.ts';
import { connectRedis, createRedis } from '../../src/redis/connect.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { captureLog, noteCustomer, noteSecret } from '../support/log-scan.ts';
import { borrowRedis } from '../support/redis.ts';
import { FixedClock } from './fixed-clock.ts';
import { openPrivacy } from './privacy-of-world.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

export const spaces: readonly SpaceView[] = ['hq', 'annex'].map((id) => ({
  id,
  name: id,
  timeZone: 'Europe/Lisbon',
  idleTimeout: '15m',
  settle: '0s',
  ssids: null,
  methods: ['wifi', 'admin'],
  requirePass: id === 'hq',
  readOnly: true,
}));

const radiusSource: SourceView = {
  id: 'aps',
  type: 'radius',
  spaceId: 'hq',
  state: 'up',
  since: Date.UTC(2026, 10, 24, 8),
  lastObservationAt: null,
  observations: 0,
  precision: 'bytes',
  readOnly: true,
};

export const adminToken = 'admin-token-of-the-configuration';

/** Everything behind the HTTP server for real: SQLite, Redis, ledger, feed. Only the clock and the listeners are the test's. */
export type World = AsyncDisposable & {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly ports: HttpServerPorts;
  readonly db: Database;
  readonly clock: FixedClock;
  readonly ledger: Ledger;
  readonly unregistered: UnregisteredStations;
  readonly store: PresenceStore;
  readonly tokens: TokenCache;
  /** The tokens that there are, by the name of their role. */
  readonly made: Readonly<Record<string, MadeToken>>;
  readonly setupCode: SetupCode;
  /** What the server logged, one JSON text per line. */
  readonly log: () => string;
  /** A call with a token (or the name of one in `made`), without one when it is null, or with the configured admin's. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
};

type MadeToken = { readonly id: string; readonly token: string };

export type CallOptions = {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The tests look into answers freely; what they expect is what checks the type.
  readonly body: Record<string, unknown>;
};

export type WorldOptions = {
  readonly options?: Partial<HttpServerOptions>;
  readonly ports?: Partial<HttpServerPorts>;
  /** SQLite in a directory of the world's own when left out. */
  readonly databaseUrl?: string | undefined;
  /** How many devices a customer may have. */
  readonly quota?: number;
  /** As right after the installation: no admin token in the configuration. */
  readonly withoutAdmin?: boolean;
  /** When it begins, epoch milliseconds; a fixed morning when left out. Redis has the real time, where that matters. */
  readonly now?: number;
};

export async function openWorld({
  options,
  ports,
  databaseUrl,
  withoutAdmin = false,
  quota,
  now,
}: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-http-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  let logged = '';
  const capture = captureLog('http-world');
  noteSecret('a token', adminToken);
  const destination = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      capture(String(chunk));
      done();
    },
  });
  const log = createLogger({ level: 'debug', destination });
  const clock = new FixedClock(now);
  const db = stack.use(
    await openDatabase({ dataDir, databaseUrl }, { migrate: true, clock, onError: (error) => log.error(error) }),
  );
  const server = stack.use(await borrowRedis());
  const connect = async (overrides = {}) => {
    const redis = createRedis({ url: server.url }, log, overrides);
    stack.defer(() => redis.disconnect());
    await connectRedis(redis, server.url);
    return redis;
  };
  const redis = await connect();
  const feed = stack.use(await EventFeed.open(db, { publisher: redis, subscriber: await connect() }, log));
  const ledger = new Ledger({
    db,
    clock,
    rules: (spaceId) => {
      const space = spaces.find(({ id }) => id === spaceId);
      return space && { id: space.id, requirePass: space.requirePass, methods: ['wifi', 'admin'] };
    },
    onRecorded: (sequence) => feed.onRecorded(sequence),
  });
  const masterKey = await openMasterKey(db, join(dataDir, 'keys', 'master.key'));
  const vault = new AddressVault(masterKey);
  db.audit.open(createAuditKeys(masterKey, vault), clock);
  const registry = { db, clock, vault, quota };
  const unregistered = new UnregisteredStations(redis, clock, log, {
    deriveKey: (purpose) => masterKey.derive(purpose),
    sessionNumber: createTextNumbers(masterKey.derive('session numbers')),
  });
  const store = new PresenceStore({
    redis,
    shard: 0,
    uniqueText: () => 'visit-',
    maxBacklog: 1_000,
    onLost: () => log.error('Redis is another one'),
  });
  store.epoch = 'this one';
  await redis.hset(store.keys.clock, 'epoch', store.epoch, 'beat', Date.now());
  const tokens = new TokenCache(db, clock);
  const setupCode = new SetupCode(clock);
  const board: BoardPorts = {
    db,
    readPresence: (space, ids) => readPresence([store], rulesOf({ id: space }), { lateWindow, now: clock.now() }, ids),
  };
  const spaceIds = spaces.map(({ id }) => id);
  const onRecorded = (sequence: number): void => feed.onRecorded(sequence);
  const privacy = await openPrivacy(
    { registry, dataDir, store, unregistered, logger: log, spaceIds, board, tokens, onRecorded },
    stack,
  );
  const all: HttpServerPorts = {
    options: { trustProxy: [], allowInsecure: false, ...(withoutAdmin ? {} : { adminToken }), ...options },
    log,
    registry,
    tokens,
    readiness: async () => ({ reasons: [], warnings: [] }),
    metricsText: async () => 'rollcall_timer_lag_seconds 0\n',
    spaces: { list: () => spaces, get: (id) => spaces.find((space) => space.id === id) },
    sources: () => [radiusSource],
    findSource: () => undefined,
    feed,
    ledger,
    unregistered,
    // All calls of these tests come from this machine, which is no device.
    findStation: async () => ({ known: false, reason: 'unknownAddress' }),
    ownPresence: (customerId) =>
      readOwnPresence(
        board,
        spaces.map(({ id }) => id),
        customerId,
      ),
    onClaimRefused: async () => undefined,
    privacy,
    whoIsIn: (spaceId, page) => whoIsIn(board, spaceId, page),
    why: (who, options) =>
      findWhy(
        {
          db,
          now: () => clock.now(),
          spaces: () => spaces.map(({ id }) => rulesOf({ id })),
          readPresence: async (space, customer) =>
            (await readPresence([store], rulesOf({ id: space }), { lateWindow, now: clock.now() }, [customer]))[0],
        },
        who,
        options,
      ),
    setup: {
      code: setupCode,
      accessPoints: () => [
        { sourceId: 'aps', addresses: ['192.0.2.20'], port: 1813, secretFile: '/data/radius.secret' },
      ],
    },
    ...ports,
  };
  const app = createHttpServer(all);
  stack.defer(() => app.close());
  await putCustomer(registry, 'member', { name: 'Member' });
  const made = await makeTokens(registry);
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  const owned = stack.move();
  return {
    url,
    app,
    ports: all,
    db,
    clock,
    ledger,
    unregistered,
    store,
    tokens,
    made,
    setupCode,
    log: () => logged,
    call: (method, path, callOptions = {}) => {
      const { token = adminToken, body } = callOptions;
      if (method === 'PUT') noteCustomer(path, body);
      return call(url + path, method, { ...callOptions, token: token === null ? null : (made[token]?.token ?? token) });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function call(url: string, method: string, { token, body, headers }: CallOptions): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token == null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** One token of each role, and one that belongs to another space. */
async function makeTokens({ db, clock }: Registry): Promise<Readonly<Record<string, MadeToken>>> {
  const make = async (name: string, input: Omit<TokenInput, 'name'>) =>
    [name, await createToken(db, clock, { name, ...input })] as const;
  return Object.fromEntries([
    await make('frontdesk', { role: 'frontdesk' }),
    await make('viewer', { role: 'viewer' }),
    await make('platform', { role: 'platform' }),
    await make('kiosk', { role: 'kiosk', spaceIds: ['hq'] }),
    await make('reader', { role: 'reader', spaceIds: ['hq'] }),
    await make('member', { role: 'member', customerId: 'member' }),
    await make('annexDesk', { role: 'frontdesk', spaceIds: ['annex'] }),
  ]);
}
