import type { Clock } from '../runtime/clock.ts';

export type Rate = { readonly perSecond: number; readonly burst: number };

/** Takes one from the bucket of a key; 0 when there was one to take, or else the milliseconds until there is. */
export type RateLimit = (key: string, rate: Rate) => number;

/**
 * Token buckets by key. Bounded: the key that was idle longest is forgotten first, and by then its bucket is as good
 * as full unless more than `capacity` keys are busy at once.
 */
export function createRateLimit(clock: Clock, capacity = 10_000): RateLimit {
  const buckets = new Map<string, { readonly level: number; readonly at: number }>();
  return (key, { perSecond, burst }) => {
    const now = clock.monotonic();
    const bucket = buckets.get(key) ?? { level: burst, at: now };
    const level = Math.min(burst, bucket.level + (Math.max(0, now - bucket.at) * perSecond) / 1000);
    const granted = level >= 1;
    // Setting anew keeps the map in the order of last use, so that its first key is the one to forget.
    buckets.delete(key);
    buckets.set(key, { level: granted ? level - 1 : level, at: now });
    if (buckets.size > capacity) buckets.delete(buckets.keys().next().value ?? key);
    return granted ? 0 : Math.max(1, ((1 - level) * 1000) / perSecond);
  };
}
