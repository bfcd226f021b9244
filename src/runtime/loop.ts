import { backoffMs, type BackoffLimits } from './backoff.ts';

export type LoopOptions = {
  /** One round. It never overlaps with the next; `signal` is aborted when the loop is disposed of. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** From the end of a round to the start of the next. */
  readonly everyMs: number;
  /** Waits after rounds that failed. */
  readonly backoff: BackoffLimits;
  /** Told of every failed round, and decides what is worth saying. */
  readonly onError: (error: unknown, failures: number) => void;
};

/** Work that is done again and again in the background, until it is disposed of, which waits for the round at work. */
export class Loop implements AsyncDisposable {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #wake: () => void = () => undefined;
  #woken = false;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#ended = this.#repeat();
  }

  /** The next round starts now, or right after the one at work. */
  wake() {
    this.#woken = true;
    this.#wake();
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.#wake();
    await this.#ended;
  }

  async #repeat() {
    const { run, everyMs, backoff, onError } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      this.#woken = false;
      try {
        await run(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!signal.aborted) onError(error, failures);
      }
      await this.#rest(failures === 0 ? everyMs : backoffMs(failures, backoff, Math.random()));
    }
  }

  async #rest(ms: number) {
    if (this.#woken || this.#stop.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}
