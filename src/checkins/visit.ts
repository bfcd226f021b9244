import type { ObservedRun, VisitEnd } from '../presence/transition.ts';

/** The interval from arrival to departure, as the network saw it. Instants are epoch milliseconds. */
export type Visit = {
  readonly id: string;
  readonly customerId: string;
  readonly spaceId: string;
  readonly arrivedAt: number;
  readonly lastActivityAt: number;
  /** When the departure was decided; null while the visit is open. */
  readonly departedAt: number | null;
  /** `void`: late evidence showed that it was no visit of its own. */
  readonly reason: VisitEnd | 'void' | null;
  /** The transition that this is the state of; a lower one is an older truth. */
  readonly revision: number;
  /** What was observed of it, oldest first. */
  readonly runs: readonly ObservedRun[];
};
