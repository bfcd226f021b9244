import type { FastifyInstance } from 'fastify';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { whoIsIn } from '../../src/checkins/board.ts';
import { Ledger } from '../../src/checkins/ledger.ts';
import { addPass, listPasses, revokePass } from '../../src/checkins/passes.ts';
import { toPass } from '../../src/checkins/rows.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import type { Caller } from '../../src/http/access.ts';
import { createHttpServer, listen, type HttpServerOptions, type HttpServerPorts } from '../../src/http/server.ts';
import { SetupCode } from '../../src/http/setup-code.ts';
import type { SpaceView } from '../../src/http/space-access.ts';
import { EventFeed } from '../../src/outputs/feed.ts';
import { readPresence } from '../../src/presence/state.ts';
import { connectRedis, createRedis } from '../../src/redis/connect.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { startRedis } from '../support/redis.ts';
import { FixedClock } from './fixed-clock.ts';

const shards = 2;

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

export const adminToken = 'admin-token-of-the-configuration';

/** Everything behind the HTTP server for real: SQLite, Redis, ledger, feed. Only the clock and the listeners are the test's. */
export type World = AsyncDisposable & {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly ports: HttpServerPorts;
  readonly db: Database;
  readonly clock: FixedClock;
  readonly ledger: Ledger;
  readonly setupCode: SetupCode;
  /** What the server logged, one JSON text per line. */
  readonly log: () => string;
  /** A call with a token, or without one when it is null; the admin's when left out. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
};

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
};

export async function openWorld({ options, ports }: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-http-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  let logged = '';
  const destination = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const log = createLogger({ level: 'debug', destination });
  const clock = new FixedClock();
  const db = stack.use(await openDatabase({ dataDir }, { migrate: true, clock, onError: (error) => log.error(error) }));
  const server = stack.use(await startRedis());
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
  const setupCode = new SetupCode(clock);
  const all: HttpServerPorts = {
    options: { trustProxy: [], allowInsecure: false, adminToken, ...options },
    clock,
    log,
    db,
    findCaller: async (token) => callers[token],
    readiness: async () => [],
    metricsText: async () => 'rollcall_timer_lag_seconds 0\n',
    spaces: { list: () => spaces, get: (id) => spaces.find((space) => space.id === id) },
    sources: () => [],
    feed,
    ledger,
    passes: {
      add: (customerId, pass) => addPass(db, clock, customerId, pass),
      get: async (id) => {
        const row = await db.read.selectFrom('passes').selectAll().where('id', '=', id).executeTakeFirst();
        return row && toPass(row);
      },
      list: (customerId, page) => listPasses(db, customerId, page),
      revoke: (id) => revokePass(db, clock, id),
    },
    customerExists: async (id) =>
      (await db.read.selectFrom('customers').select('id').where('id', '=', id).executeTakeFirst()) !== undefined,
    whoIsIn: (spaceId, page) =>
      whoIsIn(
        { db, readPresence: (space, ids) => readPresence(redis, shards, space, ids), idleTimeout: () => 900_000 },
        spaceId,
        page,
      ),
    setup: {
      isOpen: async () => true,
      redeem: (code) => setupCode.redeem(code, async () => 'the-first-admin-token'),
      accessPoints: () => [
        { sourceId: 'aps', addresses: ['192.0.2.20'], port: 1813, secretFile: '/data/radius.secret' },
      ],
    },
    ...ports,
  };
  const app = createHttpServer(all);
  stack.defer(() => app.close());
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  const owned = stack.move();
  return {
    url,
    app,
    ports: all,
    db,
    clock,
    ledger,
    setupCode,
    log: () => logged,
    call: (method, path, callOptions) => call(url + path, method, callOptions),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function call(
  url: string,
  method: string,
  { token = adminToken, body, headers }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
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

/** One token of each role, and one that belongs to a space. */
export const callers: Readonly<Record<string, Caller>> = {
  frontdesk: { tokenId: 't-frontdesk', role: 'frontdesk' },
  viewer: { tokenId: 't-viewer', role: 'viewer' },
  platform: { tokenId: 't-platform', role: 'platform' },
  kiosk: { tokenId: 't-kiosk', role: 'kiosk', spaceIds: ['hq'] },
  reader: { tokenId: 't-reader', role: 'reader', spaceIds: ['hq'] },
  member: { tokenId: 't-member', role: 'member', customerId: 'mia' },
  annexDesk: { tokenId: 't-annex', role: 'frontdesk', spaceIds: ['annex'] },
};
