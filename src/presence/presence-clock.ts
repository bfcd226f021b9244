import type { Clock } from '../runtime/clock.ts';

/**
 * Redis' time of day, carried on by this process's monotonic clock between two readings. The time of day of this machine
 * plays no part in presence, so that it may be set at any moment.
 */
export class PresenceClock implements Clock {
  readonly #base: Clock;
  #offset: number;
  #steppedBy = 0;

  constructor(base: Clock) {
    this.#base = base;
    this.#offset = base.now() - base.monotonic();
  }

  now(): number {
    return Math.round(this.#base.monotonic() + this.#offset);
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  /** By how much Redis' clock was set so far, milliseconds. */
  get steppedBy(): number {
    return this.#steppedBy;
  }

  noteStep(jumpMs: number): void {
    this.#steppedBy += jumpMs;
  }

  /** Redis read `wall` at some moment between two readings of the monotonic clock. */
  set(wall: number, between: readonly [number, number]): void {
    this.#offset = wall - (between[0] + between[1]) / 2;
  }
}
