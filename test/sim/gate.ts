import type { Redis } from 'ioredis';
import type { Logger } from '../../src/runtime/logger.ts';

type Waiting = (reply: unknown) => void;

/**
 * Stands where the recorder waits for something to come: it is let through one batch at a time, and when it is back, or complains,
 * the batch is done.
 */
export class Gate {
  readonly reader: Redis;
  readonly logger: Logger;
  readonly #redis: Redis;
  #waiting: Waiting | undefined;
  #onArrival: (() => void) | undefined;
  #onComplaint: (() => void) | undefined;
  #isClosed = false;

  constructor(redis: Redis) {
    this.#redis = redis;
    const xread = async (): Promise<unknown> =>
      await new Promise((resolve) => {
        if (this.#isClosed) return resolve(null);
        this.#waiting = resolve;
        this.#onArrival?.();
      });
    const disconnect = (): void => {
      this.#isClosed = true;
      this.#waiting?.(null);
    };
    this.reader = { xread, disconnect } as unknown as Redis;
    const complain = (): void => this.#onComplaint?.();
    this.logger = { error: complain, warn: () => undefined, info: () => undefined } as unknown as Logger;
  }

  /** One batch. False when the recorder complained of it. */
  async letThrough(): Promise<boolean> {
    await this.#arrived();
    const entries = await this.#redis.xread('COUNT', 500, 'STREAMS', 'rollcall:{0}:transitions', '0');
    if (entries === null) return true;
    const waiting = this.#waiting as Waiting;
    this.#waiting = undefined;
    const complained = new Promise<false>((resolve) => (this.#onComplaint = () => resolve(false)));
    const arrived = this.#arrived().then(() => true as const);
    waiting(entries);
    return await Promise.race([arrived, complained]);
  }

  async #arrived(): Promise<void> {
    if (this.#waiting === undefined) await new Promise<void>((resolve) => (this.#onArrival = resolve));
    this.#onArrival = undefined;
  }
}
