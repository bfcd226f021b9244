import type { Config } from './config/schema.ts';
import { shardKeys } from './presence/keys.ts';
import { openRedis, redactedUrl, type Redis, type RedisTarget } from './redis/connect.ts';
import { durabilityWarning, readDurability } from './redis/durability.ts';
import { PrivateRedisServer } from './redis/private-server.ts';
import { replicationWarning } from './redis/replication.ts';
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
    const redis = await openRedis(target, log, shownAs);
    stack.defer(() => redis.disconnect());
    return redis;
  };
  const redis = await open();
  const { probe } = shardKeys(0);
  const weaker = [durabilityWarning(await readDurability(redis, probe)), await replicationWarning(redis, probe)];
  for (const warning of weaker) if (warning !== undefined) log.warn({ redis: shownAs }, warning);
  return { redis, another: open };
}
