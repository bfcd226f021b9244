/** Failures that one address may cause at once, and then per second, before it is turned away unread. */
const burst = 1000;
const perSecond = 1000;
const maxAddresses = 4096;

type Bucket = { tokens: number; filledAt: number };

/**
 * A token bucket per address, which only failures draw from: unknown addresses and wrong authenticators. What is full is
 * forgotten first, and while more addresses fail than fit, new ones are not limited: a flood with made-up addresses must
 * not shut out an access point.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt = 0;

  /** Whether the address has used up what it may get wrong. `now` is monotonic milliseconds. */
  isExhausted(address: string, now: number): boolean {
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return false;
    refill(bucket, now);
    return bucket.tokens < 1;
  }

  noteFailure(address: string, now: number): void {
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      if (!this.#hasRoom(now)) return;
      this.#buckets.set(address, (bucket = { tokens: burst, filledAt: now }));
    }
    refill(bucket, now);
    bucket.tokens = Math.max(0, bucket.tokens - 1);
  }

  /** A bucket unused for a burst's time is full, and says no more than no bucket. Looked for once a second at most. */
  #hasRoom(now: number): boolean {
    if (this.#buckets.size < maxAddresses) return true;
    if (now - this.#sweptAt < 1000) return false;
    this.#sweptAt = now;
    for (const [address, bucket] of this.#buckets) {
      refill(bucket, now);
      if (bucket.tokens >= burst) this.#buckets.delete(address);
    }
    return this.#buckets.size < maxAddresses;
  }
}

function refill(bucket: Bucket, now: number): void {
  bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) * perSecond) / 1000);
  bucket.filledAt = now;
}
