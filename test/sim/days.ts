import type { Fault } from './faults.ts';

/** A step of the clock on the wall: when, on the clock of presence, and by how much; milliseconds. */
export type ClockStep = { readonly at: number; readonly jump: number };

/**
 * Times of a day whose clock was set. Presence counts on a clock that never goes back: it jumps forward with the clock on the wall, and
 * goes on when that is set back. What happens is told in its times; the ledger holds times of the clock on the wall.
 */
export class Days {
  readonly #steps: readonly ClockStep[];

  constructor(steps: readonly ClockStep[]) {
    this.#steps = steps;
  }

  get hasGoneBack(): boolean {
    return this.#steps.some(({ jump }) => jump < 0);
  }

  /** All moments at which the clock on the wall showed this; more than one where it was set back. */
  moments(wall: number): number[] {
    const moments: number[] = [];
    let from = -Infinity;
    let back = 0;
    for (const { at, jump } of [...this.#steps.filter((step) => step.jump < 0), { at: Infinity, jump: 0 }]) {
      const moment = wall + back;
      if (from <= moment && moment <= at) moments.push(moment);
      from = at;
      back -= jump;
    }
    return moments.length > 0 ? moments : [wall + back];
  }

  /** The moment that this was: the `first` or the `last` that is known, where those known best come first. */
  moment(wall: number, known: readonly ReadonlySet<number>[], which: 'first' | 'last', from = -Infinity): number {
    const moments = this.moments(wall).filter((at) => at >= from);
    for (const some of known) {
      const isKnown = (one: number): boolean => some.has(one);
      const moment = which === 'first' ? moments.find(isKnown) : moments.findLast(isKnown);
      if (moment !== undefined) return moment;
    }
    return moments[0] ?? wall;
  }
}

/** How much the clock of presence is ahead of the true time by then, milliseconds. */
export function aheadAt(faults: readonly Fault[], at: number): number {
  const steps = faults.filter((fault) => fault.type === 'clockSteps' && fault.from <= at && fault.jump > 0);
  return steps.reduce((sum, fault) => sum + (fault.type === 'clockSteps' ? fault.jump : 0), 0);
}
