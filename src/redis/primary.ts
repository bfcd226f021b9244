import { Cluster, Command } from 'ioredis';
import type { Redis, RedisServer } from './connect.ts';

/** The connection to the server that takes writes of this key, made or not made yet; undefined while there is none. */
export function primaryOf(redis: Redis, key: string): RedisServer | undefined {
  if (!(redis instanceof Cluster)) return redis;
  const place = placeOf(redis, key);
  return redis.nodes('master').find((node) => nameOf(node) === place);
}

/** All who have this key: the primary, and the replicas that may take its place. Just the server, where there is one. */
export function holdersOf(redis: Redis, key: string): readonly RedisServer[] {
  if (!(redis instanceof Cluster)) return [redis];
  const places = redis.slots[slotOf(key)] ?? [];
  return redis.nodes().filter((node) => places.includes(nameOf(node)));
}

/**
 * Calls whenever what is asked next may reach a server that was not asked before: after a reconnection, and in a
 * cluster after a failover. Answers how to stop.
 */
export function onOtherPrimary(redis: Redis, key: string, listener: () => void): () => void {
  redis.on('ready', listener);
  if (!(redis instanceof Cluster)) return () => void redis.off('ready', listener);
  let place = placeOf(redis, key);
  // ioredis tells of each new look at the slots.
  const onRefresh = (): void => {
    const before = place;
    place = placeOf(redis, key);
    if (place !== before) listener();
  };
  const onNode = (node: RedisServer): void => {
    node.on('ready', () => {
      if (nameOf(node) === placeOf(redis, key)) listener();
    });
  };
  redis.on('refresh', onRefresh);
  redis.on('+node', onNode);
  return () => {
    redis.off('ready', listener);
    redis.off('refresh', onRefresh);
    redis.off('+node', onNode);
  };
}

function placeOf(cluster: Cluster, key: string): string | undefined {
  return cluster.slots[slotOf(key)]?.[0];
}

function slotOf(key: string): number {
  return new Command('get', [key]).getSlot();
}

function nameOf({ options }: RedisServer): string {
  return `${options.host}:${options.port}`;
}
