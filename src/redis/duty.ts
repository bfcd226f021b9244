import type { Redis } from './connect.ts';

const renew = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const release = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Says which of several nodes is on duty for a piece of work. It is a hint for efficiency and order, not a lock: whoever
 * is on duty must do what is harmless when another does it too.
 */
export class Duty {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #holder: string;
  readonly #ttlMs: number;

  constructor(redis: Redis, key: string, holder: string, ttlMs: number) {
    this.#redis = redis;
    this.#key = key;
    this.#holder = holder;
    this.#ttlMs = ttlMs;
  }

  /** Goes on duty, or stays on it; false while another node is. */
  async acquire(): Promise<boolean> {
    if ((await this.#redis.eval(renew, 1, this.#key, this.#holder, this.#ttlMs)) === 1) return true;
    return (await this.#redis.set(this.#key, this.#holder, 'PX', this.#ttlMs, 'NX')) === 'OK';
  }

  async release(): Promise<void> {
    await this.#redis.eval(release, 1, this.#key, this.#holder);
  }
}
