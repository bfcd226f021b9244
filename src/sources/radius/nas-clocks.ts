const mostNases = 10_000;

/** The NASes whose clock has been seen to be right. Kept in memory: after a restart, their next packet says so again. */
export class NasClocks {
  readonly #right = new Set<string>();

  wasRight(nasKey: string): boolean {
    return this.#right.has(nasKey);
  }

  /** It has restarted, and its clock with it. */
  forget(nasKey: string): void {
    this.#right.delete(nasKey);
  }

  noteRight(nasKey: string): void {
    if (this.#right.has(nasKey)) return;
    if (this.#right.size >= mostNases) this.#right.clear();
    this.#right.add(nasKey);
  }
}
