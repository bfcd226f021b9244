import { Packr } from 'msgpackr';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from '../redis/connect.ts';
import type { Logger } from '../runtime/logger.ts';
import type { SpaceTiming } from './engine.ts';
import { shardKeys } from './keys.ts';
import { expireScript } from './scripts.ts';

export type TimerPorts = {
  readonly redis: Redis;
  readonly shards: number;
  readonly logger: Logger;
  readonly spaces: () => readonly SpaceTiming[];
  readonly maxBacklog: number;
  /** How late the latest departure was found, milliseconds. */
  readonly onLag: (lagMs: number) => void;
};

/** A due instant is found within a second: four looks a second, each bounded, the next at once while there is more. */
const lookEveryMs = 250;
const mostPerLook = 500;

/**
 * Finds what is due in each shard's sorted set. Every node may do this at any time: the script is atomic, and its
 * effect, the transition in the stream, is written in the same call.
 */
export class PresenceTimers implements AsyncDisposable {
  readonly #ports: TimerPorts;
  readonly #packr = new Packr({ useRecords: false });
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(ports: TimerPorts) {
    this.#ports = ports;
    this.#loops = Array.from({ length: ports.shards }, async (_, shard) => await this.#run(shard));
  }

  async #run(shard: number): Promise<void> {
    let failing = false;
    while (!this.#stop.signal.aborted) {
      try {
        const waitMs = await this.#look(shard);
        failing = false;
        if (waitMs > 0) await this.#pause(waitMs);
      } catch (error) {
        if (!failing && !this.#stop.signal.aborted) {
          this.#ports.logger.warn({ err: error, shard }, 'due departures cannot be looked for; trying again');
        }
        failing = true;
        await this.#pause(lookEveryMs);
      }
    }
  }

  async #look(shard: number): Promise<number> {
    const { redis, spaces, maxBacklog, onLag } = this.#ports;
    const keys = shardKeys(shard);
    const timing = Object.fromEntries(spaces().map((space) => [space.id, [space.idleTimeout, space.settle]]));
    const reply = await expireScript.run(
      redis,
      [keys.presence, keys.due, keys.transitions],
      [mostPerLook, this.#packr.pack(timing), maxBacklog],
    );
    const [looked, next, now, lag] = reply as [number, number, number, number];
    if (looked > 0) onLag(lag);
    if (looked === mostPerLook) return 0;
    return next < 0 ? lookEveryMs : Math.max(1, Math.min(lookEveryMs, next - now));
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }
}
