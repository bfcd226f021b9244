import type { Clock } from '../runtime/clock.ts';

export type Rate = { readonly perSecond: number; readonly burst: number };

/**
 * Token buckets by key. Bounded: the key that was idle longest is forgotten first, and by then its bucket is as
 * good as full unless more than `capacity` keys are busy at once.
 */
export interface RateLimit {
  /** Takes one; 0 when there was one to take, or else the milliseconds until there is. */
  take(key: string, rate: Rate): number;
  /** The same question without taking. */
  peek(key: string, rate: Rate): number;
}

export function createRateLimit(clock: Clock, capacity = 10_000): RateLimit {
  const buckets = new Map<string, { level: number; at: number }>();

  function refilled(key: string, rate: Rate): { level: number; at: number } {
    const now = clock.monotonic();
    const bucket = buckets.get(key);
    if (bucket === undefined) return { level: rate.burst, at: now };
    const earned = (Math.max(0, now - bucket.at) * rate.perSecond) / 1000;
    return { level: Math.min(rate.burst, bucket.level + earned), at: now };
  }

  function waitFor(level: number, rate: Rate): number {
    return level >= 1 ? 0 : Math.max(1, ((1 - level) * 1000) / rate.perSecond);
  }

  return {
    peek: (key, rate) => waitFor(refilled(key, rate).level, rate),
    take(key, rate) {
      const bucket = refilled(key, rate);
      const waitMs = waitFor(bucket.level, rate);
      if (waitMs === 0) bucket.level -= 1;
      // Setting anew keeps the map in the order of last use, so that its first key is the one to forget.
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > capacity) buckets.delete(buckets.keys().next().value ?? key);
      return waitMs;
    },
  };
}
