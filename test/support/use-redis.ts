import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { borrowRedis } from './redis.ts';

/** The one Redis of a test file; there from the first `beforeEach` on. */
export type TestRedis = {
  readonly url: string;
  readonly client: Redis;
};

/** Call it where the tests are described: it takes a server before the first one, and gives it back after the last. */
export function useRedis(): TestRedis {
  let server: Awaited<ReturnType<typeof borrowRedis>> | undefined;
  let client: Redis | undefined;
  beforeAll(async () => {
    server = await borrowRedis();
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
