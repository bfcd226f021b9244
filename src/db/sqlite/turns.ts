/** First come, first served, one at a time. Its queue is bounded by those who wait: every caller holds one place. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  async take(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  pass() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}
