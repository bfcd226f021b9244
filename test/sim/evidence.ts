import type { Delivered, Loss } from './played.ts';
import { minute, type AccessPoint } from './venue.ts';

/**
 * What an observer who knows the RFC can say of the reports that were taken: at which moments a device showed that it was there. A
 * counter that is higher than ever before has grown by then (RFC 2869, section 2.1); a Start, and a report without counters, speak for
 * themselves; a repetition says nothing new. Shares no code with the policy.
 */
export type Sign = {
  readonly at: number;
  readonly device: string;
  /** What is known of a session begins anew with each loss of Redis. */
  readonly session: string;
  readonly arrived: number;
  /** Whether it adds less than is told at once to what was seen before. */
  readonly isClose: boolean;
  /** How often Redis had been lost by then. */
  readonly lossesBefore: number;
  readonly accessPoint: AccessPoint;
  /** When the session began, where this is the first that we know of it and no Start. */
  readonly beganAt: number | undefined;
  /** When its session began, or showed the first sign. */
  readonly sessionBeganAt: number;
  /** Whether the session is known to be over. */
  readonly isStopped: boolean;
  /** Whether another session of the device has the same id. */
  readonly sharesId: boolean;
  /** Whether it may be taken for that of the other one, see `reusedSessions`. */
  readonly isReused: boolean;
};

/**
 * Sessions of which another has the same id, by `trueSession`, where the one that came later did not begin with its Start: then its reports
 * may be taken for those of the earlier one.
 */
export function reusedSessions(delivered: readonly Delivered[]): Set<string> {
  const unclear = new Set<string>();
  for (const reports of byId(delivered).values()) {
    const sessions = [...Map.groupBy(reports, ({ report }) => report.trueSession).values()];
    const [, ...later] = sessions.toSorted(([a], [b]) => beganAt(a as Delivered) - beganAt(b as Delivered));
    // As they came.
    if (later.every(([first]) => first?.report.status === 'start')) continue;
    for (const { report } of reports) unclear.add(report.trueSession);
  }
  return unclear;
}

/** By the id that each device's sessions have. */
function byId(delivered: readonly Delivered[]): Map<string, Delivered[]> {
  return Map.groupBy(delivered, ({ report }) => `${report.device} ${report.session}`);
}

function beganAt({ report: { at, lasted } }: Delivered): number {
  return at - lasted;
}

export function signsOf(
  delivered: readonly Delivered[],
  losses: readonly Loss[],
  reused: ReadonlySet<string> = new Set(),
): Sign[] {
  const lossesBefore = (arrived: number): number => losses.filter(({ at }) => at < arrived).length;
  const sessions = Map.groupBy(delivered, ({ report, arrived }) => `${report.trueSession} ${lossesBefore(arrived)}`);
  const shared = new Set<string>();
  for (const reports of byId(delivered).values()) {
    const ofId = new Set(reports.map(({ report }) => report.trueSession));
    if (ofId.size > 1) for (const one of ofId) shared.add(one);
  }
  return [...sessions]
    .flatMap(([session, reports]) => signsOfSession(session, reports, lossesBefore))
    .toSorted((a, b) => a.at - b.at)
    .map((sign, index, all) =>
      Object.assign(sign, {
        isClose: sign.at - (all[index - 1]?.at ?? -Infinity) < 5 * minute,
        sharesId: shared.has(sign.trueSession),
        isReused: reused.has(sign.trueSession),
      }),
    );
}

function signsOfSession(
  session: string,
  delivered: readonly Delivered[],
  lossesBefore: (arrived: number) => number,
): (Omit<Sign, 'isClose' | 'sharesId' | 'isReused'> & { readonly trueSession: string })[] {
  const inOrder = delivered.toSorted((a, b) => a.at - b.at || levelOf(a) - levelOf(b));
  const [first] = inOrder as [Delivered];
  const { device, accessPoint, trueSession } = first.report;
  let level = -1;
  const seen = new Set<string>();
  const moments: Delivered[] = [];
  for (const one of inOrder) {
    const { status, octets, at } = one.report;
    const isNew = !seen.has(`${status} ${at}`);
    seen.add(`${status} ${at}`);
    // A laptop may have been left behind: that it is joined, or no longer, says nothing of its owner.
    const isDumb = octets === undefined && status !== 'start' && one.report.isLaptop;
    const speaks = octets === undefined ? isNew && !isDumb : levelOf(one) > level || moments.length === 0;
    level = Math.max(level, levelOf(one));
    if (speaks && moments.at(-1)?.at !== one.at) moments.push(one);
  }
  const isStopped = inOrder.some(({ report }) => report.status === 'stop');
  const [begun] = moments;
  if (begun === undefined) return [];
  const beganAt = begun.report.status === 'start' ? undefined : begun.at - begun.report.lasted;
  return moments.map(({ at, arrived }, index) => ({
    at,
    trueSession,
    arrived,
    lossesBefore: lossesBefore(arrived),
    device,
    session,
    accessPoint,
    beganAt: index === 0 ? beganAt : undefined,
    sessionBeganAt: beganAt ?? begun.at,
    isStopped,
  }));
}

function levelOf({ report: { status, octets } }: Delivered): number {
  return status === 'start' ? 0 : (octets ?? 0);
}
