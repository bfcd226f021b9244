/** Says that something happened, and nothing else, to whoever listens in this process. */
export class Signal {
  readonly #listeners = new Set<() => unknown>();

  /** Returns how to stop listening. */
  on(listener: () => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when every listener has dealt with it. A listener that fails says so itself; it is not the caller's matter. */
  async emit(): Promise<void> {
    await Promise.allSettled([...this.#listeners].map(async (listener) => listener()));
  }
}
