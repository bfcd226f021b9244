import type { Config } from './config/schema.ts';
import { connectRedis, createRedis, redactedUrl, type Redis, type RedisTarget } from './redis/connect.ts';
import { readDurability } from './redis/durability.ts';
import { PrivateRedisServer } from './redis/private-server.ts';
import type { Logger } from './runtime/logger.ts';

export type Connections = {
  /** For commands that answer at once. */
  readonly redis: Redis;
  /** A connection of the caller's own, to wait in or to subscribe with. */
  readonly another: (options?: { readonly commandTimeout?: undefined }) => Promise<Redis>;
};

/** Connects to the configured Redis, or to a private server that is started here and stopped last. */
export async function openConnections(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<Connections> {
  const url = config.redisUrl?.reveal();
  const target: RedisTarget =
    url === undefined ? { socket: stack.use(await PrivateRedisServer.start(config.dataDir, log)).socket } : { url };
  const shownAs = url === undefined ? 'its private socket' : redactedUrl(url);
  const open = async (options = {}): Promise<Redis> => {
    const redis = createRedis(target, log, options);
    stack.defer(() => redis.disconnect());
    await connectRedis(redis, shownAs);
    return redis;
  };
  const redis = await open();
  const durability = await readDurability(redis);
  if (durability !== 'always') {
    const promise = {
      everysec: 'a power cut may lose the last second of what was acknowledged',
      none: 'a restart of Redis loses what was acknowledged and not recorded yet',
      unknown: 'whether it survives a power cut is not known, since the server does not tell',
    }[durability];
    log.warn({ redis: shownAs, durability }, `redis: ${promise}; set "appendonly yes" and "appendfsync always"`);
  }
  return { redis, another: open };
}
