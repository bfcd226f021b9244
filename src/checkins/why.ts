import type { Database } from '../db/database.ts';
import type { ObservedRun } from '../presence/transition.ts';
import type { PresenceState } from '../presence/state.ts';
import type { ConflictEventData, RelinkedEventData } from './event.ts';
import { toCheckIn } from './rows.ts';
import { mergeRuns, unpackRuns } from './runs.ts';
import {
  explainCheckIn,
  explainConflict,
  explainNow,
  explainRelinked,
  explainRun,
  explainUnregistered,
  type Clause,
} from './why-text.ts';

/** Instants are epoch milliseconds. */
export type Why = {
  readonly customerId: string;
  readonly at: number;
  readonly spaces: readonly WhySpace[];
};

export type WhySpace = {
  readonly spaceId: string;
  readonly isIn: boolean;
  /** When idleness would check out; null while nothing is due, or something is blind. */
  readonly dueAt: number | null;
  /** False while the network cannot say whether the person is here. */
  readonly seen: boolean;
  /** Which rule holds now, and which one decided before; newest first. */
  readonly decisions: readonly Clause[];
  /** What was observed, newest first; at most 64 runs a device. */
  readonly observed: readonly (ObservedRun & { readonly text: string })[];
};

export type WhyPorts = {
  readonly db: Database;
  readonly spaces: () => readonly WhyTiming[];
  readonly readPresence: (spaceId: string, customerId: string) => Promise<PresenceState | undefined>;
  readonly now: () => number;
};

/** What `why` must know of a space; durations in milliseconds. */
export type WhyTiming = {
  readonly id: string;
  readonly idleTimeout: number;
  readonly rejoin: number;
  readonly maxBlind: number;
};

const mostDecisions = 20;
const dayMs = 86_400_000;

/** Why somebody is, or is not, checked in: what was observed, which rule fired, what is due when. `at` looks at another moment. */
export async function findWhy(
  ports: WhyPorts,
  who: { readonly customerId: string; readonly deviceId?: string | undefined },
  options: { readonly at?: number | undefined; readonly spaceIds: readonly string[] },
): Promise<Why> {
  const now = ports.now();
  const at = Math.min(options.at ?? now, now);
  const spaces: WhySpace[] = [];
  for (const timing of ports.spaces()) {
    if (options.spaceIds.includes(timing.id)) spaces.push(await findInSpace(ports, who, timing, at, now));
  }
  return { customerId: who.customerId, at, spaces };
}

async function findInSpace(
  ports: WhyPorts,
  { customerId, deviceId }: { readonly customerId: string; readonly deviceId?: string | undefined },
  timing: WhyTiming,
  at: number,
  now: number,
): Promise<WhySpace> {
  const isNow = at === now;
  const state = await ports.readPresence(timing.id, customerId);
  const live = state?.links.flatMap(({ runs }) => runs) ?? [];
  const stored = await storedRuns(ports.db, customerId, timing.id, at);
  const checkIns = await checkInsUntil(ports.db, customerId, timing.id, at);
  const open = checkIns.find(({ startedAt, endedAt, state: its }) =>
    isNow
      ? its === 'open'
      : (its === 'open' || its === 'closed') && startedAt <= at && (endedAt === null || endedAt >= at),
  );
  const devices = await deviceEventsUntil(ports.db, customerId, timing.id, at);
  const observed = latestRuns(stored, live, at, deviceId);
  return {
    spaceId: timing.id,
    isIn: open !== undefined,
    dueAt: isNow && open !== undefined ? (state?.dueAt ?? null) : null,
    seen: !isNow || state === undefined || state.seen,
    decisions: [
      ...(isNow ? explainNow(state, open, timing, now) : []),
      ...explainUnregistered(observed),
      ...[...checkIns.map((one) => explainCheckIn(one, timing)), ...devices].toSorted((a, b) => b.at - a.at),
    ],
    observed: observed.map((run) => Object.assign({ text: explainRun(run) }, run)),
  };
}

async function storedRuns(db: Database, customerId: string, spaceId: string, at: number): Promise<ObservedRun[]> {
  const rows = await db.read
    .selectFrom('visits')
    .select('runs')
    .where('customer_id', '=', customerId)
    .where('space_id', '=', spaceId)
    .where('arrived_at', '<=', at)
    .orderBy('arrived_at', 'desc')
    .limit(mostDecisions)
    .execute();
  return rows.flatMap(({ runs }) => unpackRuns(runs));
}

async function checkInsUntil(db: Database, customerId: string, spaceId: string, at: number) {
  const rows = await db.read
    .selectFrom('check_ins')
    .selectAll()
    .where('customer_id', '=', customerId)
    .where('space_id', '=', spaceId)
    .where('started_at', '<=', at)
    .where('started_at', '>', at - 7 * dayMs)
    .orderBy('started_at', 'desc')
    .limit(mostDecisions)
    .execute();
  return rows.map(toCheckIn);
}

/** What became of the customer's devices: another address, another owner's claim. */
async function deviceEventsUntil(db: Database, customerId: string, spaceId: string, at: number): Promise<Clause[]> {
  const rows = await db.read
    .selectFrom('events')
    .select(['type', 'at', 'data'])
    .where('customer_id', '=', customerId)
    .where((eb) => eb.or([eb('space_id', '=', spaceId), eb('space_id', 'is', null)]))
    .where('type', 'in', ['device.relinked', 'device.conflict'])
    .where('at', '<=', at)
    .where('at', '>', at - 7 * dayMs)
    .orderBy('sequence', 'desc')
    .limit(mostDecisions)
    .execute();
  return rows.map(({ type, at: when, data }) =>
    type === 'device.relinked'
      ? explainRelinked(when, JSON.parse(data) as RelinkedEventData)
      : explainConflict(when, JSON.parse(data) as ConflictEventData),
  );
}

/** Newest first. */
function latestRuns(
  stored: readonly ObservedRun[],
  live: readonly ObservedRun[],
  at: number,
  deviceId: string | undefined,
): ObservedRun[] {
  return mergeRuns(stored, live)
    .filter((run) => run.firstAt <= at && (deviceId === undefined || run.deviceId === deviceId))
    .toReversed();
}
