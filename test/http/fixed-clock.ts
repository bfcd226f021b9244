import type { Clock } from '../../src/runtime/clock.ts';

/** A clock that moves when told to. Both of its times move together. */
export class FixedClock implements Clock {
  #now: number;

  constructor(now = Date.UTC(2026, 10, 24, 9, 0, 0)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  pass(durationMs: number): void {
    this.#now += durationMs;
  }
}
