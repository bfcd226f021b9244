/** Says that something happened, and nothing else, to whoever listens in this process. */
export class Signal {
  readonly #listeners = new Set<() => void>();

  /** Returns how to stop listening. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit() {
    for (const listener of this.#listeners) listener();
  }
}
