import { formatDuration } from '../runtime/duration.ts';
import type { PresenceState } from '../presence/state.ts';
import type { ObservedRun } from '../presence/transition.ts';
import type { CheckIn } from './check-in.ts';
import type { WhyTiming } from './why.ts';

/** A rule that holds or has decided something: a stable code for programs, one sentence for people. */
export type Clause = { readonly code: string; readonly at: number; readonly text: string };

/** The rule that holds now. */
export function explainNow(
  state: PresenceState | undefined,
  open: CheckIn | undefined,
  timing: WhyTiming,
  now: number,
): Clause[] {
  const visit = state?.visits.at(-1);
  const clause = (code: string, text: string): Clause => ({ code, at: now, text });
  if (state === undefined || visit === undefined) {
    return open === undefined ? [clause('notSeen', 'no network has seen a device of this customer lately')] : [];
  }
  if (!state.seen) {
    const blind = state.links.flatMap(({ nas }) => (nas?.isBlind === true ? [nas.name] : []));
    const what = blind[0] === undefined ? 'nothing can be seen' : `the access point "${blind[0]}" is silent`;
    return [
      clause(
        'blind',
        `${what}, so nobody is checked out; after ${formatDuration(timing.maxBlind)} the visit ends where it was last active`,
      ),
    ];
  }
  const [laptop] = state.leftBehind;
  if (laptop !== undefined) {
    const since = new Date(laptop.since).toISOString();
    return [
      clause(
        'leftBehind',
        `the laptop ${laptop.deviceId} stayed in the house over night with no phone beside it, so since ${since} it keeps nobody in; it counts again once another device of this customer is seen, or it comes back after being away`,
      ),
    ];
  }
  if (!visit.isOpen) {
    const ago = `since the last activity`;
    return [
      clause(
        'away',
        `${endings[visit.reason as keyof typeof endings] ?? endings.idle}; activity in the same session within ${formatDuration(timing.rejoin)} ${ago} would continue the visit`,
      ),
    ];
  }
  const rare = state.links.find(
    ({ patienceMs, activeAt }) => patienceMs > timing.idleTimeout && activeAt >= visit.since,
  );
  if (rare !== undefined) {
    return [
      clause(
        'rareReports',
        `the access point "${rare.nas?.name ?? ''}" reports rarely, so a silence of ${formatDuration(Math.round(rare.patienceMs / 1000) * 1000)} counts as idleness instead of ${formatDuration(timing.idleTimeout)}`,
      ),
    ];
  }
  return [
    clause('active', `without further activity, idleness of ${formatDuration(timing.idleTimeout)} ends the visit`),
  ];
}

const endings = {
  idle: 'nothing showed activity for longer than the idle timeout',
  sourceLost: 'what saw the device was silent for too long',
  transfer: 'the device went to another space',
} as const;

/** What was decided about a check-in. */
export function explainCheckIn(checkIn: CheckIn, timing: WhyTiming): Clause {
  const { state, failureReason, checkOutReason, method, startedAt, endedAt, detectedAt } = checkIn;
  switch (state) {
    case 'failed':
      return {
        code: `failed.${failureReason ?? ''}`,
        at: detectedAt ?? startedAt,
        text: `the check-in by ${method} failed: ${failureReason ?? ''}`,
      };
    case 'void':
      return {
        code: 'voided',
        at: detectedAt ?? startedAt,
        text: 'the check-in was taken back: it was part of another one, or a mistake',
      };
    case 'open':
      return { code: 'checkedIn', at: startedAt, text: `checked in by ${method}` };
    case 'closed':
      return {
        code: `checkedOut.${checkOutReason ?? ''}`,
        at: detectedAt ?? endedAt ?? startedAt,
        text:
          checkOutReason === 'idle'
            ? `checked out at the last activity, after ${formatDuration(timing.idleTimeout)} or more without any`
            : `checked out: ${checkOutReason ?? ''}`,
      };
    default:
      return state satisfies never;
  }
}

const runTexts: Readonly<Record<ObservedRun['kind'], readonly [one: string, many: string]>> = {
  start: ['the device joined', 'times the device joined'],
  progress: ['report of activity', 'reports of activity'],
  idle: ['report without progress, which is no activity', 'reports without progress, which are no activity'],
  stop: ['session ended', 'sessions ended'],
  late: ['report that came too late to move anything', 'reports that came too late to move anything'],
};

export function explainRun({ kind, count }: ObservedRun): string {
  const [one, many] = runTexts[kind];
  return count === 1 ? one : `${count} ${many}`;
}
