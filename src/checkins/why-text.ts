import { formatDuration } from '../runtime/duration.ts';
import type { PresenceState } from '../presence/state.ts';
import type { ObservedRun } from '../presence/transition.ts';
import type { IdentityKind } from '../observation/identity.ts';
import type { CheckIn } from './check-in.ts';
import type { ConflictEventData, RelinkedEventData } from './event.ts';
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

/** Of what counts for the customer without being a device of theirs. */
export function explainUnregistered(observed: readonly ObservedRun[]): Clause[] {
  const newest = observed.find(({ deviceId }) => deviceId.startsWith('sta_'));
  if (newest === undefined) return [];
  return [
    {
      code: 'throughIdentity',
      at: newest.lastAt,
      text: 'a device that is not registered counted, because the network authenticated this customer on it; it is registered once it is clear that it is another device, or the next address of one, and there is room for it',
    },
  ];
}

const evidences: Readonly<Record<IdentityKind, string>> = {
  chargeableUserIdentity: "the network's identity of this customer",
  userName: "this customer's user name",
  class: "this customer's class",
  pskName: "this customer's own Wi-Fi key",
  user: 'this customer',
  portal: "this customer's sign-in at the portal",
};

/** What was made of an address that a device of the customer has made up. */
export function explainRelinked(
  at: number,
  { reason, evidence, deviceId, previousDeviceId }: RelinkedEventData,
): Clause {
  const texts = {
    newAddress: `the network authenticated ${evidence === null ? 'this customer' : evidences[evidence]} on an address that it did not know; it is the next one of the device ${deviceId}, since no other can have made it up`,
    returned: `the device ${deviceId} is back at an address that it had before`,
    split: `two addresses that were taken for one device are in use at once, so the newer one is a device of its own: ${deviceId}, no longer ${previousDeviceId ?? 'another'}`,
  };
  return { code: `relinked.${reason}`, at, text: texts[reason] };
}

/** What was made of an address that speaks for more than one place or person. */
export function explainConflict(
  at: number,
  { kind, deviceId, customerId, registeredTo, authenticatedAs, claimedBy }: ConflictEventData,
): Clause {
  if (kind === 'claim') {
    return {
      code: 'conflict.claim',
      at,
      text: `"${claimedBy ?? ''}" wanted to register the device ${deviceId}, which is this customer's and stays so until an admin settles whose it is`,
    };
  }
  if (kind === 'twoPlaces') {
    return {
      code: 'conflict.twoPlaces',
      at,
      text: `the address of the device ${deviceId} was active at two access points at once: another device may be using it`,
    };
  }
  const winner = customerId === registeredTo ? 'its registration' : 'the identity';
  return {
    code: 'conflict.twoCustomers',
    at,
    text: `the device ${deviceId} is registered to "${registeredTo ?? ''}", and the network authenticated "${authenticatedAs ?? customerId}" on it; ${winner} counts, until an admin settles whose it is`,
  };
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
