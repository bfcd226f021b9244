import { type Cluster, Redis as RedisServer, type RedisOptions } from 'ioredis';
import { withDeadline } from '../runtime/deadline.ts';
import type { Logger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';
import { connectPrimaries, createCluster, readClusterNodes } from './cluster.ts';

export type { RedisServer };

/** One server, or a whole cluster: the commands are the same, and in a cluster each finds its way by its keys. */
export type Redis = RedisServer | Cluster;

type Overrides = Omit<RedisOptions, 'replyMapping'>;

/** Where Redis is: a URL, or the socket of the private server. */
export type RedisTarget = { readonly url: string } | { readonly socket: string };

/** How long each connection is waited for, to a single server and to a cluster's nodes alike. */
const patience = {
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 5_000,
  // A half-open connection looks alive for minutes; one that owes an answer for this long is given up.
  socketTimeout: 8_000,
  connectTimeout: 5_000,
  keepAlive: 10_000,
  // How long a connection that we close waits for the other side; the process lives until then.
  disconnectTimeout: 100,
};

/** A cluster may be electing a primary just now. */
const startMs = 15_000;

/**
 * A connection that fails fast: while Redis is away, a command is refused at once instead of queued, so that the
 * sender of a packet is left unanswered and repeats itself. A command that gets no reply in time is refused too; what
 * it did, if it did, is harmless when repeated.
 */
export function createRedis(target: RedisTarget, logger: Logger, overrides: Overrides = {}): RedisServer {
  const options = {
    ...patience,
    replyMapping: 'legacy' as const,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
    ...overrides,
  };
  const redis =
    'socket' in target ? new RedisServer({ ...options, path: target.socket }) : new RedisServer(target.url, options);
  reportOutages(redis, logger);
  return redis;
}

/**
 * Connects to the configured server, or to the whole cluster when that server is a node of one. Whichever node is
 * named, the others are learned from it.
 */
export async function openRedis(target: RedisTarget, logger: Logger, shownAs: string): Promise<Redis> {
  const server = createRedis(target, logger);
  await connectRedis(server, shownAs);
  try {
    const nodes = await readClusterNodes(server);
    if (nodes === undefined) return server;
    const cluster = createCluster(server.options, nodes, patience, logger);
    reportOutages(cluster, logger);
    server.disconnect();
    await connectRedis(cluster, shownAs);
    await connectPrimaries(cluster);
    return cluster;
  } catch (error) {
    server.disconnect();
    throw error;
  }
}

/** ioredis reports every failed attempt to reconnect; the first and the recovery say all there is to say. */
function reportOutages(redis: Redis, logger: Logger): void {
  let down = false;
  redis.on('error', (error: Error) => {
    if (!down) logger.warn({ err: error.message }, 'redis does not answer');
    down = true;
  });
  redis.on('ready', () => {
    if (down) logger.info('redis answers again');
    down = false;
  });
}

/** Connects, or says in one sentence why it can't. */
export async function connectRedis(redis: Redis, shownAs: string): Promise<void> {
  // ioredis rejects with "Connection is closed"; why it was closed stands in the error before.
  let reason: Error | undefined;
  const note = (error: Error): void => void (reason ??= error);
  redis.on('error', note);
  try {
    // ioredis' promise for a cluster that was not whole at the first look is never kept; the event tells.
    const ready = new Promise<void>((resolve) => redis.once('ready', resolve));
    await withDeadline(startMs, Promise.race([redis.connect(), ready]));
    redis.off('error', note);
  } catch (cause) {
    redis.disconnect();
    const why = (reason ?? (cause as Error)).message;
    throw new UserError(`cannot reach Redis at ${shownAs} (${why}); start it, or correct redisUrl`, { cause });
  }
}

/** A URL without its password, fit to be printed. */
export function redactedUrl(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password !== '') parsed.password = '***';
    return parsed.toString();
  } catch {
    return 'the configured redisUrl';
  }
}
