import type { Redis } from 'ioredis';
import { presenceKeys, shardKeys } from '../../src/presence/keys.ts';

const mostKept = 9;

/** What Redis held after each of the latest effects, so that it can be made to forget them. */
export class Snapshots {
  readonly #redis: Redis;
  readonly #keys = presenceKeys(shardKeys(0));
  readonly #taken: (Buffer | null)[][] = [];

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async take(): Promise<void> {
    this.#taken.push(await Promise.all(this.#keys.map((key) => this.#redis.dumpBuffer(key))));
    if (this.#taken.length > mostKept) this.#taken.shift();
  }

  /** Redis is what it was before the latest `effects`; false when too little has happened so far. */
  async goBack(effects: number): Promise<boolean> {
    const taken = this.#taken.at(-1 - effects);
    if (taken === undefined) return false;
    for (const [index, key] of this.#keys.entries()) {
      await this.#redis.del(key);
      const dump = taken[index];
      if (dump) await this.#redis.restore(key, 0, dump);
    }
    this.#taken.length = 0;
    return true;
  }
}
