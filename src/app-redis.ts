import type { Config } from './config/schema.ts';
import { connectRedis, createRedis, redactedUrl, type Redis, type RedisTarget } from './redis/connect.ts';
import { durabilityWarning, readDurability } from './redis/durability.ts';
import { PrivateRedisServer } from './redis/private-server.ts';
import type { Logger } from './runtime/logger.ts';

export type Connections = {
  /** For commands that answer at once. */
  readonly redis: Redis;
  /** A connection of the caller's own, to wait in or to subscribe with. */
  readonly another: () => Promise<Redis>;
};

/** Connects to the configured Redis, or to a private server that is started here and stopped last. */
export async function openConnections(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<Connections> {
  const url = config.redisUrl?.reveal();
  const target: RedisTarget =
    url === undefined ? { socket: stack.use(await PrivateRedisServer.start(config.dataDir, log)).socket } : { url };
  const shownAs = url === undefined ? 'its private socket' : redactedUrl(url);
  const open = async (): Promise<Redis> => {
    const redis = createRedis(target, log);
    stack.defer(() => redis.disconnect());
    await connectRedis(redis, shownAs);
    return redis;
  };
  const redis = await open();
  const warning = durabilityWarning(await readDurability(redis));
  if (warning !== undefined) log.warn({ redis: shownAs }, warning);
  return { redis, another: open };
}
