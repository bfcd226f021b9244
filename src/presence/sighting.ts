import type { Observation, ObservationKind } from '../observation/observation.ts';

/** The numbers by which lua/observe.lua knows what a report is. */
const kinds = { associated: 0, active: 1, left: 2, started: 3 } as const;

/** The tuple that lua/observe.lua takes for one sighting. */
export type PackedSighting = readonly [
  member: string,
  device: string,
  session: number,
  kind: number,
  at: number,
  from: number,
  octets: number,
  idle: number,
  settle: number,
];

export function packSighting(
  member: string,
  deviceId: string,
  observation: Observation,
  timing: { readonly idleTimeout: number; readonly settle: number },
  { lateWindow, sessionNumber }: { readonly lateWindow: number; readonly sessionNumber: SessionNumbers },
): PackedSighting {
  const { session, at } = observation;
  if (session === undefined) {
    return [member, deviceId, 0, kinds[observation.kind], at, at, -1, timing.idleTimeout, timing.settle];
  }
  const kind = kindOf(observation.kind, session.status);
  // A session may be older than what late evidence may move.
  const from = at - Math.min(session.durationMs ?? 0, lateWindow);
  return [
    member,
    deviceId,
    sessionNumber(session.key),
    kind,
    at,
    from,
    session.octets ?? -1,
    timing.idleTimeout,
    timing.settle,
  ];
}

/** A sighting of a station that is here while it becomes somebody's: it goes on in its session, from now. */
export function packAdoption(
  member: string,
  deviceId: string,
  seen: { readonly session: number; readonly octets: number },
  at: number,
  timing: { readonly idleTimeout: number; readonly settle: number },
): PackedSighting {
  return [member, deviceId, seen.session, kinds.associated, at, at, seen.octets, timing.idleTimeout, timing.settle];
}

function kindOf(kind: ObservationKind, status: 'start' | 'interim' | 'stop'): number {
  return status === 'start' ? kinds.started : kinds[kind];
}

export type SessionNumbers = (sessionKey: string) => number;

/**
 * 53 bits for a session's key, enough to tell apart the few sessions of one customer and small enough to be exact in a
 * Lua number; never 0, which means "no session". `secret` (8 bytes, the same on every node) keeps what some controllers
 * write into session ids, MAC addresses among it, from being found by trying. Two multiplicative hashes over the
 * characters, mixed at the end.
 */
export function createSessionNumbers(secret: Buffer): SessionNumbers {
  const startHigh = secret.readInt32LE(0);
  const startLow = secret.readInt32LE(4);
  return (key) => {
    let high = startHigh;
    let low = startLow;
    for (let i = 0; i < key.length; i += 1) {
      const code = key.charCodeAt(i);
      high = Math.imul(high ^ code, 0x2c1b3c6d);
      low = Math.imul(low ^ code, 0x297a2d39) + high;
    }
    high = Math.imul(high ^ (high >>> 15), 0x2c1b3c6d) ^ Math.imul(low ^ (low >>> 13), 0x297a2d39);
    low = Math.imul(low ^ (low >>> 16), 0x297a2d39) ^ Math.imul(high ^ (high >>> 12), 0x2c1b3c6d);
    return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0) || 1;
  };
}
