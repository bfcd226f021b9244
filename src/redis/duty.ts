import type { Redis } from './connect.ts';

/**
 * An expiry is a time of day to Redis. When its clock goes back, a dead node's duty would last for as long as that; one that lasts
 * longer than any can is over.
 */
const acquire = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
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
    return (await this.#redis.eval(acquire, 1, this.#key, this.#holder, this.#ttlMs)) === 1;
  }

  async release(): Promise<void> {
    await this.#redis.eval(release, 1, this.#key, this.#holder);
  }
}
