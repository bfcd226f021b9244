import { aheadAt, type Days } from './days.ts';
import type { Report } from './radio.ts';
import type { Scenario } from './scenario.ts';
import type { Interval } from './truth.ts';
import { minute } from './venue.ts';

/** A report that was taken: when it says that it was, and when it came; milliseconds after the beginning of the day, as `Days` counts. */
export type Delivered = {
  readonly report: Report;
  readonly at: number;
  readonly arrived: number;
  /** Whether our clock was set forward on its way. */
  readonly crossesStep: boolean;
};

/** Redis was filled anew from the ledger, which knew all that had come until `knownUntil`, and need not have known what came later. */
export type Loss = { readonly at: number; readonly knownUntil: number };

export type Played = {
  readonly delivered: readonly Delivered[];
  /** What Redis forgot with its tail. The process knows yet how often those access points reported. */
  readonly forgotten: readonly Delivered[];
  readonly days: Days;
  readonly losses: readonly Loss[];
  /** Since when what came is forgotten until Redis went back to it. */
  readonly setBacks: readonly Interval[];
  /** Until when time went on. */
  readonly endedAt: number;
  readonly complaints: readonly string[];
};

/** Redis lost at a moment of `Days`; the ledger had recorded at `recordedAt`, by the true time. */
export function lossAt(at: number, recordedAt: number, { faults, lookEvery }: Scenario): Loss {
  // What only extends a visit is told every five minutes while there is a process, found by a look, and recorded later.
  let told = recordedAt - 15 * minute - 2 * lookEvery;
  for (const fault of faults.toSorted((a, b) => b.from - a.from)) {
    if (fault.type !== 'down' || fault.from > recordedAt || fault.to < told) continue;
    told -= Math.min(fault.to, recordedAt) - fault.from;
  }
  return { at, knownUntil: told + aheadAt(faults, told) };
}
