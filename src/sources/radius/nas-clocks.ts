const mostNases = 10_000;
/** A clock is wrong by what its reports are late when they are all late by the same, for this long; what was queued is not. */
const lastingMs = 2 * 60_000;
/** Less is how long a packet may travel. */
const toleranceMs = 60_000;

type NasClock = {
  /** What must be added to its time of day, milliseconds. */
  offset: number;
  isRight: boolean;
  /** How often our own clock had been set when the offset was found. */
  steppedBy: number;
  /** Since when reports are late by the same, and by how much. */
  since: number;
  late: number;
  reports: number;
};

/**
 * How far the clock of each NAS is from ours. Kept in memory: after a restart, its next packets say so again. When our own clock is
 * set, that of every NAS is off by as much at once.
 */
export class NasClocks {
  readonly #clocks = new Map<string, NasClock>();
  readonly #steppedBy: () => number;

  /** `steppedBy` is by how much our own clock was set so far, milliseconds. */
  constructor(steppedBy: () => number = () => 0) {
    this.#steppedBy = steppedBy;
  }

  wasRight(nasKey: string): boolean {
    return this.#clocks.get(nasKey)?.isRight ?? false;
  }

  /** It has restarted, and its clock with it. */
  forget(nasKey: string): void {
    this.#clocks.delete(nasKey);
  }

  noteRight(nasKey: string): void {
    this.#get(nasKey).isRight = true;
  }

  /** What must be added to the time that this NAS claims. */
  offset(nasKey: string): number {
    const clock = this.#clocks.get(nasKey);
    if (clock === undefined) return this.#steppedBy() === 0 ? 0 : this.#get(nasKey).offset;
    const steppedBy = this.#steppedBy();
    if (steppedBy !== clock.steppedBy) {
      clock.offset += steppedBy - clock.steppedBy;
      clock.steppedBy = steppedBy;
      clock.reports = 0;
    }
    return clock.offset;
  }

  /** A report said that it was made at `claimedAt`, and came in at `arrivedAt`; epoch milliseconds. */
  note(nasKey: string, claimedAt: number, arrivedAt: number): void {
    const clock = this.#get(nasKey);
    const late = arrivedAt - claimedAt;
    if (late < clock.offset + toleranceMs && late > clock.offset - toleranceMs) {
      // As it was known: the usual case.
      clock.reports = 0;
      return;
    }
    if (clock.reports === 0 || Math.abs(late - clock.late) > toleranceMs / 2) {
      clock.since = arrivedAt;
      clock.late = late;
      clock.reports = 1;
      return;
    }
    clock.late = Math.min(clock.late, late);
    clock.reports += 1;
    if (clock.reports < 3 || arrivedAt - clock.since < lastingMs) return;
    clock.offset = Math.abs(clock.late) < toleranceMs ? 0 : clock.late;
    clock.reports = 0;
  }

  #get(nasKey: string): NasClock {
    let clock = this.#clocks.get(nasKey);
    if (clock === undefined) {
      if (this.#clocks.size >= mostNases) this.#clocks.clear();
      clock = { offset: 0, isRight: false, steppedBy: this.#steppedBy(), since: 0, late: 0, reports: 0 };
      this.#clocks.set(nasKey, clock);
    }
    return clock;
  }
}
