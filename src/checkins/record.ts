import { presenceMember } from '../presence/keys.ts';
import { isWithdrawal, type VisitTransition } from '../presence/transition.ts';
import type { CheckIn, Method } from './check-in.ts';
import { decideEntitlement, type Pass } from './entitlement.ts';
import type { EventDraft } from './event.ts';
import { mergeRuns } from './runs.ts';
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
  /** The check-ins that a visit of this batch has opened or joined, by the visit; the latest of each. */
  readonly checkInsByVisit: Map<string, CheckIn>;
  readonly changedVisits: Map<string, Visit>;
  readonly changedCheckIns: Map<string, CheckIn>;
  readonly events: EventDraft[];
};

export type Recorded = 'recorded' | 'repeated' | 'unknownCustomer' | 'unknownSpace';

/**
 * What the newest state of a visit means to the ledger. Pure but for `draft`, which it changes. A state that the ledger has seen
 * changes nothing, so that the stream may be read again from anywhere.
 */
export function record(draft: Draft, transition: VisitTransition, rules: SpaceRules | undefined): Recorded {
  if (!draft.customers.has(transition.customerId)) return 'unknownCustomer';
  const before = draft.visits.get(transition.visitId);
  // It was an erased person's, who had the id before.
  if (before !== undefined && before.customerId !== transition.customerId) return 'unknownCustomer';
  if (before !== undefined && before.revision >= transition.revision) return 'repeated';
  if (transition.state === 'void') {
    if (before === undefined) return 'repeated';
    voidVisit(draft, before, transition);
    return 'recorded';
  }
  if (before === undefined) {
    if (rules === undefined) return 'unknownSpace';
    arrive(draft, transition, rules);
    return 'recorded';
  }
  correct(draft, before, transition);
  return 'recorded';
}

function arrive(draft: Draft, transition: VisitTransition, rules: SpaceRules): void {
  const { visitId, customerId, spaceId, arrivedAt, lastActivityAt, detectedAt, revision, runs } = transition;
  const at = presenceMember(spaceId, customerId);
  const current = draft.openVisits.get(at);
  const isPast = transition.state === 'closed';
  if (!isPast) closeOther(draft, visitId, at, detectedAt);
  const visit: Visit = {
    id: visitId,
    customerId,
    spaceId,
    arrivedAt,
    lastActivityAt,
    departedAt: null,
    reason: null,
    revision,
    runs,
  };
  putVisit(draft, visit);
  draft.events.push({ type: 'presence.arrived', at: detectedAt, data: presenceData(visit, detectedAt) });
  if (isPast) tellOfPast(draft, transition, rules, current);
  else if (rules.methods.includes('wifi')) checkIn(draft, transition, rules);
}

/** A visit that was over before anything was known of it. Whoever is in now, by the visit `current`, is left alone. */
function tellOfPast(draft: Draft, transition: VisitTransition, rules: SpaceRules, current: Visit | undefined): void {
  const { customerId, spaceId, lastActivityAt, deviceIds } = transition;
  const at = presenceMember(spaceId, customerId);
  const open = draft.openCheckIns.get(at);
  // The network sees nobody twice at a time: whom it sees now came after this visit, also where the clock was set back between them.
  const isSeen = current !== undefined && open?.visitId === current.id;
  const isBefore = open !== undefined && (lastActivityAt <= open.startedAt || (isSeen && open.method === 'wifi'));
  const told = draft.events.length;
  if (isBefore) draft.openCheckIns.delete(at);
  if (isSeen && !isBefore) {
    // Whoever was checked in by hand before, and is in to this day, was so then.
    putCheckIn(draft, { ...open, deviceIds: devicesSeen(open.deviceIds, deviceIds) });
  } else if (rules.methods.includes('wifi')) {
    checkIn(draft, transition, rules);
  }
  close(draft, transition);
  if (current !== undefined) draft.openVisits.set(at, current);
  if (!isBefore) return;
  draft.openCheckIns.set(at, open);
  tellAsCorrection(draft, told, transition);
}

/** Whoever is in now neither came nor went: what becomes known of an earlier visit is a correction of the past. */
function tellAsCorrection(draft: Draft, told: number, { visitId, detectedAt }: VisitTransition): void {
  const events = draft.events.splice(told);
  draft.events.push(...events.filter(({ type }) => type !== 'checkin.recorded' && type !== 'checkout.recorded'));
  const checkIn = draft.checkInsByVisit.get(visitId);
  if (checkIn?.state === 'closed') draft.events.push({ type: 'checkin.corrected', at: detectedAt, data: checkIn });
}

/** Two are open only when Redis has lost the other, and the evidence with it: that one ended where it was last active. */
function closeOther(draft: Draft, visitId: string, at: string, detectedAt: number): void {
  const current = draft.openVisits.get(at);
  if (current === undefined || current.id === visitId) return;
  const { id, revision, lastActivityAt } = current;
  close(draft, { visitId: id, revision, lastActivityAt, detectedAt, reason: 'idle', deviceIds: [] });
}

function checkIn(draft: Draft, transition: VisitTransition, rules: SpaceRules): void {
  const { visitId, customerId, spaceId, arrivedAt, lastActivityAt, detectedAt, deviceIds } = transition;
  const open = draft.openCheckIns.get(presenceMember(spaceId, customerId));
  if (open !== undefined) {
    // Whoever was checked in by hand and is now on the Wi-Fi stays in the same check-in.
    putCheckIn(draft, {
      ...open,
      visitId,
      methods: union(open.methods, ['wifi']),
      deviceIds: devicesSeen(open.deviceIds, deviceIds),
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

/** The visit is known, and is now seen otherwise: longer, shorter, over, or not over after all. */
function correct(draft: Draft, before: Visit, transition: VisitTransition): void {
  const { arrivedAt, lastActivityAt, detectedAt, revision, state } = transition;
  const wasOpen = before.departedAt === null;
  const runs = isWithdrawal(transition.reason) ? [] : mergeRuns(before.runs, transition.runs);
  const visit: Visit = { ...before, arrivedAt, lastActivityAt, revision, runs };
  if (state === 'closed' && wasOpen) {
    putVisit(draft, visit);
    correctCheckIn(draft, transition);
    close(draft, transition);
    return;
  }
  if (state === 'open') {
    closeOther(draft, before.id, presenceMember(before.spaceId, before.customerId), detectedAt);
    const open: Visit = { ...visit, departedAt: null, reason: null };
    putVisit(draft, open);
    if (!wasOpen) draft.events.push({ type: 'presence.arrived', at: detectedAt, data: presenceData(open, detectedAt) });
  } else {
    putVisit(draft, { ...visit, departedAt: Math.max(detectedAt, lastActivityAt), reason: transition.reason });
  }
  correctCheckIn(draft, transition);
}

/** Brings the check-in of a known visit in line with it. Whatever people decided about it by hand stays. */
function correctCheckIn(draft: Draft, transition: VisitTransition): void {
  const { visitId, arrivedAt, lastActivityAt, detectedAt, state, deviceIds } = transition;
  const before = draft.checkInsByVisit.get(visitId);
  if (before === undefined || before.state === 'void' || before.state === 'failed') return;
  const startedAt = before.method === 'wifi' ? arrivedAt : before.startedAt;
  if (before.state === 'open') {
    const latest = Math.max(startedAt, state === 'open' ? lastActivityAt : before.lastActivityAt);
    const after = { ...before, startedAt, lastActivityAt: latest, deviceIds: devicesSeen(before.deviceIds, deviceIds) };
    putCheckIn(draft, after);
    if (startedAt !== before.startedAt) draft.events.push({ type: 'checkin.corrected', at: detectedAt, data: after });
    return;
  }
  // A check-out that the network did not decide stands.
  if (before.checkOutMethod !== 'wifi') return;
  const seen = { ...before, startedAt, deviceIds: devicesSeen(before.deviceIds, deviceIds) };
  const endedAt = Math.max(startedAt, lastActivityAt);
  if (state === 'closed') {
    if (startedAt === before.startedAt && endedAt === before.endedAt) return;
    putCheckIn(draft, { ...seen, endedAt, lastActivityAt: endedAt, detectedAt: Math.max(detectedAt, endedAt) });
  } else {
    // Somebody who was checked in again meanwhile by other means has that check-in.
    if (draft.openCheckIns.has(presenceMember(before.spaceId, before.customerId))) return;
    const open = { endedAt: null, detectedAt: null, checkOutMethod: null, checkOutReason: null } as const;
    putCheckIn(draft, { ...seen, ...open, state: 'open', lastActivityAt: endedAt });
  }
  const data = draft.changedCheckIns.get(before.id) as CheckIn;
  draft.events.push({ type: 'checkin.corrected', at: detectedAt, data });
}

type Departure = Pick<
  VisitTransition,
  'visitId' | 'revision' | 'lastActivityAt' | 'detectedAt' | 'reason' | 'deviceIds'
>;

function close(draft: Draft, { visitId, revision, lastActivityAt, detectedAt, reason, deviceIds }: Departure): void {
  const visit = draft.visits.get(visitId) as Visit;
  const ended = Math.max(visit.arrivedAt, lastActivityAt);
  const departedAt = Math.max(detectedAt, ended);
  const closed: Visit = { ...visit, lastActivityAt: ended, departedAt, reason, revision };
  putVisit(draft, closed);
  draft.events.push({ type: 'presence.departed', at: detectedAt, data: presenceData(closed, detectedAt) });
  const open = draft.openCheckIns.get(presenceMember(visit.spaceId, visit.customerId));
  // One that was checked in by hand, and that this visit never joined, is not the network's to end.
  if (open === undefined || open.visitId !== visit.id) return;
  const endedAt = Math.max(open.startedAt, ended);
  const checkOut: CheckIn = {
    ...open,
    state: 'closed',
    endedAt,
    lastActivityAt: endedAt,
    detectedAt: Math.max(detectedAt, endedAt),
    // Whoever withdraws is out by no way that anybody used.
    checkOutMethod: isWithdrawal(reason) ? null : 'wifi',
    checkOutReason: reason,
    deviceIds: devicesSeen(open.deviceIds, deviceIds),
  };
  putCheckIn(draft, checkOut);
  draft.events.push({ type: 'checkout.recorded', at: detectedAt, data: checkOut });
}

/** It was part of another visit, or nothing is left of it. What a person checked in by hand stays, with the other visit. */
function voidVisit(draft: Draft, before: Visit, transition: VisitTransition): void {
  const { detectedAt, revision, intoVisitId } = transition;
  const departedAt = before.departedAt ?? Math.max(detectedAt, before.lastActivityAt);
  putVisit(draft, { ...before, departedAt, reason: 'void', revision });
  const checkIn = draft.checkInsByVisit.get(before.id);
  if (checkIn === undefined || checkIn.state === 'void') return;
  const other = intoVisitId === null ? undefined : draft.checkInsByVisit.get(intoVisitId);
  const isOnly = intoVisitId !== null && (other === undefined || other.state === 'failed');
  if (checkIn.method !== 'wifi' || (isOnly && checkIn.state !== 'failed')) {
    putCheckIn(draft, { ...checkIn, visitId: intoVisitId });
    return;
  }
  const voided: CheckIn = { ...checkIn, state: 'void', detectedAt: checkIn.detectedAt ?? detectedAt };
  putCheckIn(draft, voided);
  const voidReason = intoVisitId === null ? 'noVisit' : 'partOfEarlierVisit';
  draft.events.push({ type: 'checkin.voided', at: detectedAt, data: { ...voided, voidReason } });
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
  if (checkIn.visitId !== null) draft.checkInsByVisit.set(checkIn.visitId, checkIn);
  if (checkIn.state === 'open') draft.openCheckIns.set(at, checkIn);
  else if (draft.openCheckIns.get(at)?.id === checkIn.id) draft.openCheckIns.delete(at);
}

function presenceData(visit: Visit, detectedAt: number) {
  return {
    visitId: visit.id,
    customerId: visit.customerId,
    spaceId: visit.spaceId,
    arrivedAt: visit.arrivedAt,
    lastActivityAt: visit.lastActivityAt,
    detectedAt,
    reason: visit.reason === 'void' ? null : visit.reason,
  };
}

/** A visit checks in at most once by itself, so the check-in is named after it and a repeat finds it. */
export function checkInId(visitId: string): string {
  return `chk_${visitId}`;
}

function union<Item>(first: readonly Item[], second: readonly Item[]): readonly Item[] {
  return [...new Set([...first, ...second])];
}

/** A station that was known by its identity alone, and is a device of the customer now, is named as that. */
function devicesSeen(before: readonly string[], now: readonly string[]): readonly string[] {
  const isNamed = now.some((id) => id.startsWith('dev_'));
  return union(isNamed ? before.filter((id) => id.startsWith('dev_') || now.includes(id)) : before, now);
}
