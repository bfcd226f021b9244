import type { Redis } from 'ioredis';
import { presenceKeys, shardKeys } from '../../src/presence/keys.ts';

const mostKept = 9;

/** What Redis held after each of the latest effects, so that it can be made to forget them. */
export class Snapshots<Mark> {
  readonly #redis: Redis;
  readonly #keys = presenceKeys(shardKeys(0));
  readonly #taken: { readonly mark: Mark; readonly dumps: (Buffer | null)[] }[] = [];

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async take(mark: Mark): Promise<void> {
    const dumps = await Promise.all(this.#keys.map((key) => this.#redis.dumpBuffer(key)));
    this.#taken.push({ mark, dumps });
    if (this.#taken.length > mostKept) this.#taken.shift();
  }

  /** What was before is gone for good: no loss of the latest effects brings back what was wiped. */
  forget(): void {
    this.#taken.length = 0;
  }

  /** Redis is what it was before the latest `effects`. Answers how that was marked, or nothing when too little has happened so far. */
  async goBack(effects: number): Promise<Mark | undefined> {
    const taken = this.#taken.at(-1 - effects);
    if (taken === undefined) return undefined;
    for (const [index, key] of this.#keys.entries()) {
      await this.#redis.del(key);
      const dump = taken.dumps[index];
      if (dump) await this.#redis.restore(key, 0, dump);
    }
    this.forget();
    return taken.mark;
  }
}
