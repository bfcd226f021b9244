import { Packr } from 'msgpackr';
import type { Redis } from '../redis/connect.ts';
import type { Logger } from '../runtime/logger.ts';
import { Loop } from '../runtime/loop.ts';
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

/** A due instant is found within a second: several looks a second, each bounded, the next at once while there is more. */
const lookEveryMs = 100;
const mostPerLook = 500;

/**
 * Finds what is due in each shard's sorted set. Every node may do this at any time: the script is atomic, and its
 * effect, the transition in the stream, is written in the same call.
 */
export class PresenceTimers implements AsyncDisposable {
  readonly #ports: TimerPorts;
  readonly #packr = new Packr({ useRecords: false });
  readonly #failing = new Set<number>();
  readonly #loops: readonly Loop[];

  constructor(ports: TimerPorts) {
    this.#ports = ports;
    this.#loops = Array.from(
      { length: ports.shards },
      (_, shard) =>
        new Loop({
          run: async (signal) => await this.#lookAll(shard, signal),
          everyMs: lookEveryMs,
          backoff: { firstMs: lookEveryMs, mostMs: 1_000 },
          onError: (error, failures) => {
            this.#failing.add(shard);
            if (failures === 1)
              ports.logger.warn({ err: error, shard }, 'due departures cannot be looked for; trying again');
          },
        }),
    );
  }

  /** Whether due departures are not being found now. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  async #lookAll(shard: number, signal: AbortSignal): Promise<void> {
    while ((await this.#look(shard)) === mostPerLook && !signal.aborted);
    this.#failing.delete(shard);
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
    const [looked, lag] = reply as [number, number];
    if (looked > 0) onLag(lag);
    return looked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop[Symbol.asyncDispose]()));
  }
}
