import type { Random } from '../support/random.ts';
import type { Venue } from './venue.ts';
import { hour, minute, second } from './venue.ts';

/** What goes wrong, and when; times are milliseconds after the beginning of the day. */
export type Fault =
  /** The process dies, or stands still, and comes back. */
  | { readonly type: 'down'; readonly from: number; readonly to: number }
  /** The process dies after it has recorded what comes in next, and before it answers. */
  | { readonly type: 'diesUnanswered'; readonly from: number }
  /** The process dies between the next commit of the recorder and what follows it. */
  | { readonly type: 'diesCommitted'; readonly from: number }
  /** The database commits and its answer is lost. */
  | { readonly type: 'commitUnanswered'; readonly from: number }
  | { readonly type: 'redisWiped'; readonly from: number }
  /** Redis comes back as it was some effects before. */
  | { readonly type: 'redisTailLost'; readonly from: number; readonly effects: number }
  | { readonly type: 'clockSteps'; readonly from: number; readonly jump: number }
  | { readonly type: 'reboot'; readonly from: number; readonly accessPoint: string }
  /** What it sends reaches nobody. */
  | { readonly type: 'outage'; readonly from: number; readonly to: number; readonly accessPoint: string };

export type FaultKind = Fault['type'];

/** How the network treats what is sent: each is the chance of one packet. */
export type Weather = {
  readonly lost: number;
  readonly repeated: number;
  readonly delayed: number;
};

export const calm: Weather = { lost: 0, repeated: 0, delayed: 0 };

export function createWeather(random: Random): Weather {
  if (random.chance(0.3)) return calm;
  const some = (most: number): number => (random.chance(0.5) ? 0 : random.next() * most);
  return { lost: some(0.2), repeated: some(0.4), delayed: some(0.3) };
}

export const faultKinds: readonly FaultKind[] = [
  'down',
  'diesUnanswered',
  'diesCommitted',
  'commitUnanswered',
  'redisWiped',
  'redisTailLost',
  'clockSteps',
  'reboot',
  'outage',
];

/** None in a quarter of the seeds, else up to three of one or two kinds. */
export function createFaults(random: Random, venue: Venue, only: readonly FaultKind[] = faultKinds): Fault[] {
  if (only.length === 0 || random.chance(0.25)) return [];
  const chosen = random.shuffled(only).slice(0, random.pick([1, 1, 2]));
  const faults = Array.from({ length: random.between(1, 3) }, () => createFault(random, venue, random.pick(chosen)));
  // What is down already does not go down, nor is anything else done to it.
  let upAt = -Infinity;
  return faults
    .toSorted((a, b) => a.from - b.from)
    .filter((fault) => {
      if (fault.from < upAt) return false;
      if (fault.type === 'down') upAt = fault.to + minute;
      return true;
    });
}

function createFault(random: Random, venue: Venue, type: FaultKind): Fault {
  const from = random.between(5, venue.dayLength / minute) * minute + random.between(0, 59) * second;
  const accessPoint = random.pick(venue.accessPoints).name;
  switch (type) {
    case 'down':
      return { type, from, to: from + random.between(5, 60) * minute };
    case 'outage':
      return { type, from, to: from + random.between(10, 90) * minute, accessPoint };
    case 'clockSteps':
      return { type, from, jump: random.pick([-1, 1]) * random.pick([10 * second, 5 * minute, hour]) };
    case 'reboot':
      return { type, from, accessPoint };
    case 'redisTailLost':
      return { type, from, effects: random.between(1, 8) };
    case 'diesUnanswered':
    case 'diesCommitted':
    case 'commitUnanswered':
    case 'redisWiped':
      return { type, from };
    default:
      return type satisfies never;
  }
}
