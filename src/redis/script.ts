import { createHash } from 'node:crypto';
import type { Redis } from './connect.ts';

const attempts = new WeakMap<Redis, number>();

/** How often a script was sent a second time over this connection, since the server did not know it yet. */
export function secondAttempts(redis: Redis): number {
  return attempts.get(redis) ?? 0;
}

export type ScriptArgument = string | number | Buffer;

/** A Lua script that is sent once to each server and then called by its SHA-1 (EVALSHA, EVAL after NOSCRIPT). */
export class Script {
  readonly #lua: string;
  readonly #sha: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#sha = createHash('sha1').update(lua).digest('hex');
  }

  async run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      noteUnknownScript(redis, error);
      return await redis.eval(this.#lua, keys.length, ...keys, ...args);
    }
  }

  /** As `run`; what the script returns as text comes as bytes. */
  async runBinary(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await redis.callBuffer('EVALSHA', this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      noteUnknownScript(redis, error);
      return await redis.callBuffer('EVAL', this.#lua, keys.length, ...keys, ...args);
    }
  }
}

/** Each server is sent a script once, and a replica that became primary has not been sent any. */
function noteUnknownScript(redis: Redis, error: unknown): void {
  if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
  attempts.set(redis, secondAttempts(redis) + 1);
}
