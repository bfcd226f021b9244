import type { Disputant } from '../identity/directory-index.ts';
import type { Observation, ObservationKind } from '../observation/observation.ts';

/** The numbers by which lua/observe.lua knows what a report is. */
export const sightingKinds = { associated: 0, active: 1, left: 2, started: 3 } as const;

/** The tuple that lua/observe.lua takes for one sighting. */
export type PackedSighting =
  | UndisputedSighting
  | readonly [...UndisputedSighting, device: string, otherCustomer: string, deviceWins: boolean];

type UndisputedSighting = readonly [
  member: string,
  device: string,
  session: number,
  kind: number,
  at: number,
  from: number,
  octets: number,
  rule: number,
  nas: number,
  associationIsNoActivity: boolean,
];

/** What a sighting says beyond its observation. */
export type SightingOwner = {
  readonly member: string;
  readonly deviceId: string;
  /** Which of the rules that go with the batch applies, from 1. */
  readonly rule: number;
  /** Of a laptop, only what it does counts: it may be left behind. */
  readonly isLaptop: boolean;
};

/** `session` and `nas` are their numbers, 0 without one; `lateWindow` is how far back a session may reach, milliseconds. */
export function packSighting(
  { member, deviceId, rule, isLaptop }: SightingOwner,
  { session: report, at, kind }: Observation,
  lateWindow: number,
  session: number,
  nas: number,
): UndisputedSighting {
  if (report === undefined) {
    return [member, deviceId, 0, sightingKinds[kind], at, at, -1, rule, nas, isLaptop];
  }
  // A session may be older than what late evidence may move.
  const from = at - Math.min(report.durationMs ?? 0, lateWindow);
  const octets = report.octets ?? -1;
  return [member, deviceId, session, kindOf(kind, report.status), at, from, octets, rule, nas, isLaptop];
}

/** The sighting of a device that is registered to one customer and authenticated as another; `other` is whom it does not count for. */
export function disputed(
  sighting: UndisputedSighting,
  other: Disputant,
  winner: 'identity' | 'device',
): PackedSighting {
  return [...sighting, other.deviceId, other.customerId, winner === 'device'];
}

/** A sighting of a station that is here while it becomes somebody's: it goes on in its session, from now. */
export function packAdoption(
  { member, deviceId, rule, isLaptop }: SightingOwner,
  seen: { readonly session: number; readonly octets: number },
  at: number,
): UndisputedSighting {
  return [member, deviceId, seen.session, sightingKinds.associated, at, at, seen.octets, rule, 0, isLaptop];
}

function kindOf(kind: ObservationKind, status: 'start' | 'interim' | 'stop'): number {
  return status === 'start' ? sightingKinds.started : sightingKinds[kind];
}
