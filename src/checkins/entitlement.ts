import type { FailureReason } from './check-in.ts';

/** A pass as the decision needs it. Instants are epoch milliseconds; a missing bound is no bound. */
export type Pass = {
  readonly id: string;
  readonly customerId: string;
  readonly kind: 'unlimited';
  readonly validFrom: number | null;
  readonly validUntil: number | null;
  /** Null: valid in every space. */
  readonly spaceIds: readonly string[] | null;
  readonly createdAt: number;
};

export type Decision =
  | { readonly granted: true; readonly passId: string | null }
  | { readonly granted: false; readonly reason: FailureReason };

export type DecisionInput = {
  readonly customer: { readonly active: boolean };
  readonly passes: readonly Pass[];
  readonly space: { readonly id: string; readonly requirePass: boolean };
  /** The moment of the arrival, epoch milliseconds: a pass must be valid then, not when the report came in. */
  readonly at: number;
};

/** Whether this customer may check in to this space at this moment, and by which pass. */
export function decideEntitlement({ customer, passes, space, at }: DecisionInput): Decision {
  if (!customer.active) return { granted: false, reason: 'customerInactive' };
  const here = passes.filter((pass) => pass.spaceIds === null || pass.spaceIds.includes(space.id));
  const valid = here
    .filter((pass) => (pass.validFrom ?? -Infinity) <= at && at < (pass.validUntil ?? Infinity))
    .toSorted(firstToUse);
  if (valid[0] !== undefined) return { granted: true, passId: valid[0].id };
  if (!space.requirePass) return { granted: true, passId: null };
  const expired = here.some((pass) => pass.validUntil !== null && pass.validUntil <= at);
  return { granted: false, reason: expired ? 'passExpired' : 'noPass' };
}

/** The pass that ends first is used first; of two that end together, the older one. */
function firstToUse(a: Pass, b: Pass): number {
  const ends = (a.validUntil ?? Infinity) - (b.validUntil ?? Infinity);
  return Number.isNaN(ends) || ends === 0 ? a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1) : ends;
}
