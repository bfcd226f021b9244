import type { Delivered } from './play.ts';
import type { AccessPoint } from './venue.ts';

/**
 * What an observer who knows the RFC can say of the reports that were taken: at which moments a device showed that it was there. A
 * counter that is higher than ever before has grown by then (RFC 2869, section 2.1); a Start, and a report without counters, speak for
 * themselves; a repetition says nothing new. Shares no code with the policy.
 */
export type Sign = {
  readonly at: number;
  readonly device: string;
  readonly session: string;
  readonly accessPoint: AccessPoint;
  /** When the session began, where this is the first that we know of it and no Start. */
  readonly beganAt: number | undefined;
  readonly isLast: boolean;
  /** Whether the session is known to be over. */
  readonly isStopped: boolean;
};

export function signsOf(delivered: readonly Delivered[]): Sign[] {
  const sessions = Map.groupBy(delivered, ({ report }) => report.trueSession);
  return [...sessions.values()].flatMap(signsOfSession).toSorted((a, b) => a.at - b.at);
}

function signsOfSession(delivered: readonly Delivered[]): Sign[] {
  const inOrder = delivered.toSorted((a, b) => a.at - b.at || levelOf(a) - levelOf(b));
  const [first] = inOrder as [Delivered];
  const { device, accessPoint, trueSession: session } = first.report;
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
  return moments.map(({ at, report }, index) => {
    const beganAt = index === 0 && report.status !== 'start' ? at - report.lasted : undefined;
    return { at, device, session, accessPoint, beganAt, isLast: index === moments.length - 1, isStopped };
  });
}

function levelOf({ report: { status, octets } }: Delivered): number {
  return status === 'start' ? 0 : (octets ?? 0);
}
