import type { Days } from './days.ts';
import type { Report } from './radio.ts';
import type { Interval } from './truth.ts';

/** A report that was taken: when it says that it was, and when it came; milliseconds after the beginning of the day, as `Days` counts. */
export type Delivered = {
  readonly report: Report;
  readonly at: number;
  readonly arrived: number;
  /** Whether our clock was set forward on its way. */
  readonly crossesStep: boolean;
};

/** Redis was filled anew from the ledger. What had come since `recordedAt` may not have been in it. */
export type Loss = { readonly at: number; readonly recordedAt: number };

export type Played = {
  readonly delivered: readonly Delivered[];
  readonly days: Days;
  readonly losses: readonly Loss[];
  /** Since when what came is forgotten until Redis went back to it. */
  readonly setBacks: readonly Interval[];
  /** Until when time went on. */
  readonly endedAt: number;
  readonly complaints: readonly string[];
};
