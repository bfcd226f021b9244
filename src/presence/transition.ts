/**
 * What the presence scripts append to a stream in the same atomic call that changed the state, and what the recorder turns into
 * ledger entries. Instants are epoch milliseconds.
 */
export type Transition = VisitTransition | WithdrawnTransition | SystemTransition;
/** What concerns no visit. */
export type SystemTransition = NasTransition | ClockTransition | ConflictTransition;

type Entry = {
  /** Position in its stream, e.g. `1764000000000-3`. */
  readonly id: string;
};

/** A visit as it is now. Of two with one id, the higher revision is the truth, so that recording one twice has one effect. */
export type VisitTransition = Entry & {
  readonly type: 'visit';
  readonly visitId: string;
  readonly revision: number;
  /** `void`: late evidence shows that it was no visit of its own. */
  readonly state: 'open' | 'closed' | 'void';
  readonly customerId: string;
  readonly spaceId: string;
  /** When the visit began: the first evidence. */
  readonly arrivedAt: number;
  /** The latest activity. */
  readonly lastActivityAt: number;
  /** When this was decided, by Redis' clock. */
  readonly detectedAt: number;
  /** Why it is closed; null unless it is. */
  readonly reason: VisitEnd | null;
  /** The visit that a void one is part of; null when nothing is left of it. */
  readonly intoVisitId: string | null;
  /** Devices seen during the visit, first to last; ids of `devices`, or of stations known through an identity alone. */
  readonly deviceIds: readonly string[];
  readonly runs: readonly ObservedRun[];
};

/** Why nothing is kept of somebody any more: they opted out or paused, or were erased. */
export const withdrawalReasons = ['manual', 'erased'] as const;
export type WithdrawalReason = (typeof withdrawalReasons)[number];

/**
 * Why a visit ended: nothing was heard of it, nothing could be heard, the customer's devices went to another space, or the
 * customer is not to be seen any more.
 */
export const visitEnds = ['idle', 'sourceLost', 'transfer', ...withdrawalReasons] as const;
export type VisitEnd = (typeof visitEnds)[number];

export function isWithdrawal(reason: VisitEnd | null): reason is WithdrawalReason {
  return reason === 'manual' || reason === 'erased';
}

/** What was observed of a customer is to be forgotten; what it led to stays. */
export type WithdrawnTransition = Entry & { readonly type: 'withdrawn'; readonly customerId: string };

/** Reports of one kind in a row. `late`: too old to move anything. */
export const runKinds = ['start', 'progress', 'idle', 'stop', 'late'] as const;
export type ObservedRun = {
  readonly deviceId: string;
  readonly kind: (typeof runKinds)[number];
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
};

/** A NAS has fallen silent although its stations should be reporting, or is heard again. */
export type NasTransition = Entry & {
  readonly type: 'nasDown' | 'nasUp';
  readonly at: number;
  /** Since when nothing was heard of it. */
  readonly since: number;
  /** How often its stations report, milliseconds. */
  readonly cadenceMs: number;
  readonly nas: NasName;
};

export type NasName = { readonly sourceId: string; readonly spaceId: string; readonly name: string };

/** Redis' clock was set. */
export type ClockTransition = Entry & { readonly type: 'clockStepped'; readonly at: number; readonly jumpMs: number };

/** Two access points see one address at once, or it is registered to one customer and shows the identity of another. */
export type ConflictTransition = Entry & {
  readonly type: 'conflict';
  readonly at: number;
  readonly customerId: string;
  readonly spaceId: string;
  readonly deviceId: string;
  /** Whose device it is registered as, and whom the network authenticated on it; null when it is at two places. */
  readonly registeredTo: string | null;
  readonly authenticatedAs: string | null;
  /** The access points, as far as they are known; the other one may be in another space. */
  readonly nases: readonly string[];
};
