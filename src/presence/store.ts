import type { Redis } from '../redis/connect.ts';
import type { Script, ScriptArgument } from '../redis/script.ts';
import { presenceKeys, shardKeys, type ShardKeys } from './keys.ts';
import { createPresenceScripts, type PresenceScripts } from './scripts.ts';

/** Redis does not hold the presence that the ledger knows of: it was emptied, or is another one. */
export class PresenceLostError extends Error {
  override readonly name = 'PresenceLostError';
  readonly retryable = true;
}

export type PresenceStorePorts = {
  readonly redis: Redis;
  readonly shard: number;
  /** A text that no other call on any node has returned. */
  readonly uniqueText: () => string;
  readonly maxBacklog: number;
  /** Called whenever Redis turns out not to be the one of our epoch. */
  readonly onLost: () => void;
  readonly scripts?: PresenceScripts;
};

/** A shard of presence in Redis: its scripts, with their keys and the epoch by which they know that it is the right Redis. */
export class PresenceStore {
  /** Says which filling of Redis we speak of; the ledger holds the same text. Empty: not known yet. */
  epoch = '';
  readonly keys: ShardKeys;
  readonly redis: Redis;
  readonly scripts: PresenceScripts;
  readonly #ports: PresenceStorePorts;
  readonly #scriptKeys: readonly string[];

  constructor(ports: PresenceStorePorts) {
    this.#ports = ports;
    this.redis = ports.redis;
    this.keys = shardKeys(ports.shard);
    this.scripts = ports.scripts ?? createPresenceScripts();
    this.#scriptKeys = presenceKeys(this.keys);
  }

  /** lua/observe.lua. Answers 'ok', 'full', or 'ok' and the pauses between reports that it came across. */
  async observe(sightings: Buffer, rules: Buffer): Promise<'full' | 'ok' | readonly ['ok', ...number[]]> {
    const { uniqueText, maxBacklog } = this.#ports;
    const reply = await this.#run(this.scripts.observe, [sightings, rules, uniqueText(), maxBacklog]);
    return reply as 'full' | 'ok' | readonly ['ok', ...number[]];
  }

  /** lua/expire.lua. */
  async expire(spaces: Buffer, most: number): Promise<{ readonly looked: number; readonly lagMs: number }> {
    const { uniqueText, maxBacklog } = this.#ports;
    const reply = await this.#run(this.scripts.expire, [spaces, most, uniqueText(), maxBacklog]);
    const [looked, lagMs] = reply as [number, number];
    return { looked, lagMs };
  }

  async run(name: keyof PresenceScripts, args: readonly ScriptArgument[]): Promise<unknown> {
    return await this.#run(this.scripts[name], args);
  }

  /** As `run`, for an answer that is packed. */
  async runBinary(name: keyof PresenceScripts, args: readonly ScriptArgument[]): Promise<unknown> {
    const reply = await this.scripts[name].runBinary(this.redis, this.#scriptKeys, [this.epoch, ...args]);
    return this.#checked(Buffer.isBuffer(reply) && reply.length === 4 && reply.toString() === 'lost' ? 'lost' : reply);
  }

  async #run(script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
    return this.#checked(await script.run(this.redis, this.#scriptKeys, [this.epoch, ...args]));
  }

  #checked(reply: unknown): unknown {
    if (reply !== 'lost') return reply;
    this.#ports.onLost();
    throw new PresenceLostError('Redis does not hold the presence of this ledger; it is being put back');
  }
}
