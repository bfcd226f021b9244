import { setTimeout as delay } from 'node:timers/promises';
import type { Redis, RedisServer } from './connect.ts';
import { holdersOf } from './primary.ts';
import { asked, RedisError } from './redis-error.ts';

const lookEveryMs = 20;
/** A server with a million records needs some seconds. */
const mostLooks = 3_000;

/**
 * Writes anew the append-only files of all who hold this key, so that what was deleted before the call is in none of
 * them. Answers whether every server did; one without such a file has nothing to do, and one that may not be asked says so.
 */
export async function rewriteAppendOnlyFiles(redis: Redis, key: string): Promise<boolean> {
  const done = await Promise.all(holdersOf(redis, key).map((server) => rewrite(server)));
  return done.every((each) => each);
}

async function rewrite(server: RedisServer): Promise<boolean> {
  const before = await persistence(server);
  if (before === undefined) return false;
  if (before['aof_enabled'] !== '1') return true;
  // One that began before the call may hold what was deleted since.
  await untilIdle(server);
  for (let look = 0; ; look += 1) {
    try {
      await server.bgrewriteaof();
      break;
    } catch (error) {
      const { message } = error as Error;
      if (!message.includes('in progress') || look === mostLooks) {
        if ((error as Error).name === 'ReplyError' && !message.includes('in progress')) return false;
        throw new RedisError(`writing the append-only file anew: ${message}`, { cause: error });
      }
      await delay(lookEveryMs);
    }
  }
  await untilIdle(server);
  if ((await persistence(server))?.['aof_last_bgrewrite_status'] === 'ok') return true;
  throw new RedisError('the append-only file of Redis cannot be written anew; its log says why');
}

async function untilIdle(server: RedisServer): Promise<void> {
  for (let look = 0; look < mostLooks; look += 1) {
    const state = await persistence(server);
    if (state?.['aof_rewrite_in_progress'] !== '1' && state?.['aof_rewrite_scheduled'] !== '1') return;
    await delay(lookEveryMs);
  }
  throw new RedisError('the append-only file of Redis is still being written');
}

/** Undefined when the server does not tell. */
async function persistence(server: RedisServer): Promise<Readonly<Record<string, string>> | undefined> {
  const info = await asked('the state of the append-only file', server.info('persistence'));
  const values = Object.fromEntries([...info.matchAll(/^(\w+):(.*?)\r?$/gmu)].map(([, name, value]) => [name, value]));
  return 'aof_enabled' in values ? values : undefined;
}
