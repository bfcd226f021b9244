import type { Logger } from '../runtime/logger.ts';
import { Loop } from '../runtime/loop.ts';
import type { RuleBook } from './rules.ts';
import { PresenceLostError, type PresenceStore } from './store.ts';

export type TimerPorts = {
  readonly stores: readonly PresenceStore[];
  readonly logger: Logger;
  readonly rules: RuleBook;
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
  readonly #failing = new Set<number>();
  readonly #loops: readonly Loop[];

  constructor(ports: TimerPorts) {
    this.#ports = ports;
    this.#loops = ports.stores.map(
      (store, shard) =>
        new Loop({
          run: async (signal) => await this.#lookAll(store, shard, signal),
          everyMs: lookEveryMs,
          backoff: { firstMs: lookEveryMs, mostMs: 1_000 },
          onError: (error, failures) => {
            this.#failing.add(shard);
            if (failures === 1 && !(error instanceof PresenceLostError))
              ports.logger.warn({ err: error, shard }, 'due departures cannot be looked for; trying again');
          },
        }),
    );
  }

  /** Whether due departures are not being found now. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  async #lookAll(store: PresenceStore, shard: number, signal: AbortSignal): Promise<void> {
    while ((await this.#look(store)) === mostPerLook && !signal.aborted);
    this.#failing.delete(shard);
  }

  async #look(store: PresenceStore): Promise<number> {
    const { looked, lagMs } = await store.expire(this.#ports.rules.bySpace, mostPerLook);
    if (looked > 0) this.#ports.onLag(lagMs);
    return looked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop[Symbol.asyncDispose]()));
  }
}
