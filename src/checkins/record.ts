import { presenceMember } from '../presence/keys.ts';
import type { Transition } from '../presence/transition.ts';
import type { CheckIn, Method } from './check-in.ts';
import { decideEntitlement, type Pass } from './entitlement.ts';
import type { EventDraft } from './event.ts';
import type { Visit } from './visit.ts';

/** The rules of a space that recording needs. */
export type SpaceRules = {
  readonly id: string;
  readonly requirePass: boolean;
  readonly methods: readonly Method[];
};

/** The part of the ledger that a batch of transitions touches, and what the batch changes in it. */
export type Draft = {
  readonly customers: ReadonlyMap<string, { readonly active: boolean; readonly planId: string | null }>;
  readonly passes: ReadonlyMap<string, readonly Pass[]>;
  readonly visits: Map<string, Visit>;
  /** By `presenceMember`: at most one of each per customer and space. */
  readonly openVisits: Map<string, Visit>;
  readonly openCheckIns: Map<string, CheckIn>;
  readonly changedVisits: Map<string, Visit>;
  readonly changedCheckIns: Map<string, CheckIn>;
  readonly events: EventDraft[];
};

export type Recorded = 'recorded' | 'repeated' | 'unknownCustomer' | 'unknownSpace';

/**
 * What one transition means to the ledger. Pure but for `draft`, which it changes. A transition that the ledger has
 * seen changes nothing, so that the stream may be read again from anywhere.
 */
export function record(draft: Draft, transition: Transition, rules: SpaceRules | undefined): Recorded {
  if (!draft.customers.has(transition.customerId)) return 'unknownCustomer';
  if (rules === undefined && transition.type === 'arrived') return 'unknownSpace';
  switch (transition.type) {
    case 'arrived':
      return arrive(draft, transition, rules as SpaceRules);
    case 'departed':
      // A departure whose arrival was lost still tells of the whole visit.
      if (!draft.visits.has(transition.visitId) && rules !== undefined) arrive(draft, transition, rules);
      return depart(draft, transition);
    case 'backdated':
      return backdate(draft, transition);
    default:
      return transition satisfies never;
  }
}

function arrive(draft: Draft, transition: Transition, rules: SpaceRules): Recorded {
  const { visitId, customerId, spaceId, arrivedAt, lastActivityAt } = transition;
  if (draft.visits.has(visitId)) return 'repeated';
  const at = presenceMember(spaceId, customerId);
  // Another visit is still open when Redis was lost in between: it ended where it was last active.
  const previous = draft.openVisits.get(at);
  if (previous !== undefined) closeVisit(draft, previous, previous.lastActivityAt, transition.detectedAt);
  const visit: Visit = { id: visitId, customerId, spaceId, arrivedAt, lastActivityAt, departedAt: null, reason: null };
  putVisit(draft, visit);
  draft.events.push({ type: 'presence.arrived', at: transition.detectedAt, data: presenceData(visit, transition) });
  if (rules.methods.includes('wifi')) checkIn(draft, transition, rules);
  return 'recorded';
}

function checkIn(draft: Draft, transition: Transition, rules: SpaceRules): void {
  const { visitId, customerId, spaceId, arrivedAt, lastActivityAt, detectedAt, deviceIds } = transition;
  const at = presenceMember(spaceId, customerId);
  const open = draft.openCheckIns.get(at);
  if (open !== undefined) {
    // Whoever was checked in by hand and is now on the Wi-Fi stays in the same check-in.
    putCheckIn(draft, {
      ...open,
      visitId,
      methods: union(open.methods, ['wifi']),
      deviceIds: union(open.deviceIds, deviceIds),
      lastActivityAt: Math.max(open.lastActivityAt, lastActivityAt),
    });
    return;
  }
  const customer = draft.customers.get(customerId) as { readonly active: boolean; readonly planId: string | null };
  const passes = draft.passes.get(customerId) ?? [];
  const decision = decideEntitlement({ customer, passes, space: rules, at: arrivedAt });
  const checkIn: CheckIn = {
    id: checkInId(visitId),
    customerId,
    spaceId,
    visitId,
    state: decision.granted ? 'open' : 'failed',
    method: 'wifi',
    methods: ['wifi'],
    startedAt: arrivedAt,
    endedAt: null,
    lastActivityAt,
    detectedAt: decision.granted ? null : detectedAt,
    checkOutMethod: null,
    checkOutReason: null,
    failureReason: decision.granted ? null : decision.reason,
    passId: decision.granted ? decision.passId : null,
    planId: customer.planId,
    deviceIds,
  };
  putCheckIn(draft, checkIn);
  draft.events.push({ type: decision.granted ? 'checkin.recorded' : 'checkin.failed', at: detectedAt, data: checkIn });
}

function depart(draft: Draft, transition: Transition): Recorded {
  const visit = draft.visits.get(transition.visitId);
  if (visit === undefined) return 'unknownSpace';
  if (visit.departedAt !== null) return 'repeated';
  closeVisit(draft, visit, transition.lastActivityAt, transition.detectedAt, transition.deviceIds);
  return 'recorded';
}

function closeVisit(
  draft: Draft,
  visit: Visit,
  lastActivityAt: number,
  detectedAt: number,
  deviceIds: readonly string[] = [],
): void {
  const closed: Visit = { ...visit, lastActivityAt, departedAt: Math.max(detectedAt, lastActivityAt), reason: 'idle' };
  putVisit(draft, closed);
  draft.events.push({ type: 'presence.departed', at: detectedAt, data: presenceData(closed, { detectedAt }) });
  const open = draft.openCheckIns.get(presenceMember(visit.spaceId, visit.customerId));
  // One that was checked in by hand, and that this visit never joined, is not the network's to end.
  if (open === undefined || open.visitId !== visit.id) return;
  const endedAt = Math.max(open.startedAt, lastActivityAt);
  const checkOut: CheckIn = {
    ...open,
    state: 'closed',
    endedAt,
    lastActivityAt: endedAt,
    detectedAt: Math.max(detectedAt, endedAt),
    checkOutMethod: 'wifi',
    checkOutReason: 'idle',
    deviceIds: union(open.deviceIds, deviceIds),
  };
  putCheckIn(draft, checkOut);
  draft.events.push({ type: 'checkout.recorded', at: detectedAt, data: checkOut });
}

function backdate(draft: Draft, transition: Transition): Recorded {
  const visit = draft.visits.get(transition.visitId);
  if (visit === undefined || visit.departedAt !== null || visit.arrivedAt <= transition.arrivedAt) return 'repeated';
  putVisit(draft, { ...visit, arrivedAt: transition.arrivedAt });
  const open = draft.openCheckIns.get(presenceMember(visit.spaceId, visit.customerId));
  if (open?.visitId === visit.id && open.method === 'wifi' && transition.arrivedAt < open.startedAt) {
    const corrected = { ...open, startedAt: transition.arrivedAt };
    putCheckIn(draft, corrected);
    draft.events.push({ type: 'checkin.corrected', at: transition.detectedAt, data: corrected });
  }
  return 'recorded';
}

function putVisit(draft: Draft, visit: Visit): void {
  const at = presenceMember(visit.spaceId, visit.customerId);
  draft.visits.set(visit.id, visit);
  draft.changedVisits.set(visit.id, visit);
  if (visit.departedAt === null) draft.openVisits.set(at, visit);
  else if (draft.openVisits.get(at)?.id === visit.id) draft.openVisits.delete(at);
}

function putCheckIn(draft: Draft, checkIn: CheckIn): void {
  const at = presenceMember(checkIn.spaceId, checkIn.customerId);
  draft.changedCheckIns.set(checkIn.id, checkIn);
  if (checkIn.state === 'open') draft.openCheckIns.set(at, checkIn);
  else if (draft.openCheckIns.get(at)?.id === checkIn.id) draft.openCheckIns.delete(at);
}

function presenceData(visit: Visit, { detectedAt }: { readonly detectedAt: number }) {
  return {
    visitId: visit.id,
    customerId: visit.customerId,
    spaceId: visit.spaceId,
    arrivedAt: visit.arrivedAt,
    lastActivityAt: visit.lastActivityAt,
    detectedAt,
    reason: visit.reason,
  };
}

/** A visit checks in at most once by itself, so the check-in is named after it and a repeat finds it. */
export function checkInId(visitId: string): string {
  return `chk_${visitId}`;
}

function union<Item>(first: readonly Item[], second: readonly Item[]): readonly Item[] {
  return [...new Set([...first, ...second])];
}
