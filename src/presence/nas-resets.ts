import type { NasReset, NasResetSink } from '../observation/nas-reset.ts';
import type { RecordResult } from '../observation/observation.ts';
import type { Redis } from '../redis/connect.ts';
import { shardKeys } from './keys.ts';

/**
 * Keeps the latest Accounting-On and Accounting-Off of each NAS. They move nobody: stations come back within seconds
 * of an access point's restart, and whoever does not is idle soon enough.
 */
export class NasResets implements NasResetSink {
  readonly #redis: Redis;
  readonly #key = shardKeys(0).nasResets;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  reset(reset: NasReset, done: (result: RecordResult) => void): void {
    const { nasKey, accessPoint, kind, at, spaceId } = reset;
    const field = accessPoint === undefined ? nasKey : `${nasKey}|${accessPoint}`;
    this.#redis.hset(this.#key, field, JSON.stringify({ kind, at, spaceId })).then(
      () => done('recorded'),
      () => done('notRecorded'),
    );
  }
}
