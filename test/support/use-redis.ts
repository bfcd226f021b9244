import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { startRedis, type RedisServer } from './redis.ts';

/** The one Redis of a test file; there from the first `beforeEach` on. */
export type TestRedis = {
  readonly url: string;
  readonly client: Redis;
};

/** Call it where the tests are described: it starts a server before the first one, and ends it after the last. */
export function useRedis(): TestRedis {
  let server: RedisServer | undefined;
  let client: Redis | undefined;
  beforeAll(async () => {
    // What is tested with it is not the disk.
    server = await startRedis({ appendfsync: 'everysec' });
    client = new Redis(server.url);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });
  return {
    get url() {
      return started(server).url;
    },
    get client() {
      return started(client);
    },
  };
}

function started<T>(it: T | undefined): T {
  if (it === undefined) throw new Error('Redis is asked for before it was started');
  return it;
}
