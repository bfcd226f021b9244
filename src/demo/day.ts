import type { AccessPoint, Cast, Device, Member } from './cast.ts';
import { between, pick, type Random } from './random.ts';

/** One accounting report that an access point of the venue makes, at a minute of the day. */
export type Report = {
  /** Minutes since midnight, with fractions. */
  readonly at: number;
  readonly status: 'start' | 'interim' | 'stop';
  readonly device: Device;
  readonly accessPoint: AccessPoint;
  readonly sessionId: string;
  readonly startedAt: number;
  readonly octets: number;
};

type Stay = {
  readonly device: Device;
  readonly from: number;
  readonly to: number;
  /** Moves to another access point about this often; never when left out. */
  readonly roamsEvery?: number;
  /** Sleeps for a while every now and then: still joined, nothing sent. */
  readonly naps?: boolean;
  /** Says goodbye with a Stop, or just walks out of range. */
  readonly ends: 'stop' | 'silence';
};

export const OPENS_AT = 8 * 60;
/** The last one has left by then, and the idle timeout has passed. */
export const CLOSES_AT = 18 * 60 + 40;
const REPORTS_EVERY = 4;
/** Short enough that, with a report missed before and after, it stays within the idle timeout of 15 minutes. */
const NAP_FOR = 6;
/** Comes by for a few minutes in the morning, so that a departure can be seen soon. */
const IN_A_HURRY = 3;

/** A day at the venue: everything its access points will report, in order. The same seed gives the same day. */
export function planDay(cast: Cast, random: Random): readonly Report[] {
  const stays = [
    ...cast.members.flatMap((member, index) => planMember(member, index, random)),
    ...cast.strangers.map((device, index) => planStranger(device, index, random)),
  ];
  return stays.flatMap((stay, index) => reportsOf(stay, index, cast, random)).toSorted((a, b) => a.at - b.at);
}

/** The first few stand at the door when it opens, so that there is something to see; the others trickle in until eleven. */
function planMember(member: Member, index: number, random: Random): readonly Stay[] {
  const arrives = index < 4 ? OPENS_AT + 0.5 + index * 1.5 : OPENS_AT + 8 + (index - 4) * 8 + between(random, -3, 3);
  const leaves = between(random, 15 * 60, 18 * 60);
  const lunch = index % 3 === 1 ? between(random, 12 * 60, 12.5 * 60) : undefined;
  const goesOutAt = index === IN_A_HURRY ? arrives + 8 : lunch;
  const present: readonly (readonly [number, number])[] =
    goesOutAt === undefined
      ? [[arrives, leaves]]
      : [
          [arrives, goesOutAt],
          [goesOutAt + between(random, 35, 60), leaves],
        ];
  return present.flatMap(([from, to], part) =>
    member.devices.map((device): Stay => {
      const ends = part === 0 && goesOutAt !== undefined ? 'silence' : pick<Stay['ends']>(random, ['stop', 'silence']);
      return device.class === 'phone'
        ? { device, from, to, ends, naps: true, roamsEvery: between(random, 25, 70) }
        : { device, from: from + between(random, 2, 6), to: to - between(random, 1, 4), ends: 'stop' };
    }),
  );
}

/** Most of them only walk past the windows; every fourth is a guest who stays a while. */
function planStranger(device: Device, index: number, random: Random): Stay {
  const from = OPENS_AT + 3 + index * 22 + between(random, 0, 8);
  const stays = index % 4 === 0;
  return {
    device,
    from,
    to: from + (stays ? between(random, 40, 120) : between(random, 0.3, 1)),
    ends: stays ? 'stop' : 'silence',
  };
}

function reportsOf(stay: Stay, index: number, cast: Cast, random: Random): readonly Report[] {
  const reports: Report[] = [];
  const { device } = stay;
  let accessPoint: AccessPoint = cast.accessPoints[0];
  let startedAt = stay.from;
  let octets = 0;
  let session = 0;
  const report = (at: number, status: Report['status']) => {
    const sessionId = `${index.toString(16).padStart(4, '0')}-${session.toString(16).padStart(4, '0')}`;
    reports.push({ at, status, device, accessPoint, sessionId, startedAt, octets });
  };
  report(stay.from, 'start');
  let roamsAt = stay.from + (stay.roamsEvery ?? Number.POSITIVE_INFINITY);
  let napsAt = stay.naps === true ? stay.from + between(random, 20, 60) : Number.POSITIVE_INFINITY;
  for (let at = stay.from + REPORTS_EVERY; at < stay.to; at += REPORTS_EVERY) {
    if (at >= napsAt + NAP_FOR) napsAt = at + between(random, 30, 90);
    const asleep = at >= napsAt;
    if (!asleep) octets += Math.round(between(random, 20_000, 2_000_000));
    if (at >= roamsAt && !asleep) {
      report(at, 'stop');
      const left = accessPoint;
      const others = cast.accessPoints.filter((candidate) => candidate !== left);
      accessPoint = pick(random, [others[0] ?? left, ...others.slice(1)]);
      [session, startedAt, octets] = [session + 1, at, 0];
      report(at + 0.02, 'start');
      roamsAt = at + (stay.roamsEvery ?? Number.POSITIVE_INFINITY);
    } else report(at, 'interim');
  }
  if (stay.ends === 'stop') report(stay.to, 'stop');
  return reports;
}
