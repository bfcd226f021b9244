import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';

export type { Redis } from 'ioredis';

type Overrides = Omit<RedisOptions, 'replyMapping'>;

/** Where Redis is: a URL, or the socket of the private server. */
export type RedisTarget = { readonly url: string } | { readonly socket: string };

/**
 * A connection that fails fast: while Redis is away, a command is refused at once instead of queued, so that the
 * sender of a packet is left unanswered and repeats itself. A command that gets no reply in time is refused too; what
 * it did, if it did, is harmless when repeated.
 */
export function createRedis(target: RedisTarget, logger: Logger, overrides: Overrides = {}): Redis {
  const options = {
    replyMapping: 'legacy' as const,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
    // A half-open connection looks alive for minutes; one that owes an answer for this long is given up.
    socketTimeout: 8_000,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    enableReadyCheck: true,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
    ...overrides,
  };
  const redis = 'socket' in target ? new Redis({ ...options, path: target.socket }) : new Redis(target.url, options);
  // ioredis reports every failed attempt to reconnect; the first and the recovery say all there is to say.
  let down = false;
  redis.on('error', (error: Error) => {
    if (!down) logger.warn({ err: error.message }, 'redis does not answer');
    down = true;
  });
  redis.on('ready', () => {
    if (down) logger.info('redis answers again');
    down = false;
  });
  return redis;
}

/** Connects, or says in one sentence why it can't. */
export async function connectRedis(redis: Redis, shownAs: string): Promise<void> {
  // ioredis rejects with "Connection is closed"; why it was closed stands in the error before.
  let reason: Error | undefined;
  const note = (error: Error): void => void (reason ??= error);
  redis.on('error', note);
  try {
    await redis.connect();
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
