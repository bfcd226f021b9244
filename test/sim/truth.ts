import type { Resolution } from '../../src/identity/directory-index.ts';
import { hour, minute, second, type AccessPoint, type Venue } from './venue.ts';
import type { Random } from '../support/random.ts';

/** From and to, milliseconds after the beginning of the day. */
export type Interval = readonly [from: number, to: number];

/** A person's time in a space. */
export type Stay = { readonly spaceId: string; readonly from: number; readonly to: number };

/** What was really the case while a device was joined to an access point. */
export type Association = {
  readonly device: string;
  readonly accessPoint: AccessPoint;
  readonly from: number;
  /** When the device was last in its reach. */
  readonly to: number;
  /** Whether the device said goodbye; otherwise the access point finds out. */
  readonly saysGoodbye: boolean;
  /** When it had traffic; while it sleeps it is joined and silent. */
  readonly traffic: readonly Interval[];
  /** The access point restarted at `to`, and has nothing more to say of the session. */
  readonly isCut?: boolean;
};

export type Device = { readonly id: string; readonly isLaptop: boolean };

export type Person = {
  readonly id: string;
  readonly devices: readonly Device[];
  readonly stays: readonly Stay[];
  readonly associations: readonly Association[];
};

/** Whose each device is, as the directory would say. */
export function registered(people: readonly Person[]): Map<string, Resolution> {
  const devices = people.flatMap(({ id: customerId, devices: theirs }) =>
    theirs.map(({ id, isLaptop }): [string, Resolution] => {
      const deviceClass = isLaptop ? 'laptop' : 'phone';
      return [id, { customerId, deviceId: id, optedIn: true, deviceClass }];
    }),
  );
  return new Map(devices);
}

/** A day of somebody who comes, goes, sleeps, roams, carries one or two devices, and may forget one. */
export function createPerson(random: Random, venue: Venue, id: string): Person {
  const devices: Device[] = [{ id: `${id}-phone`, isLaptop: false }];
  if (random.chance(0.3)) devices.push({ id: `${id}-laptop`, isLaptop: random.chance(0.7) });
  const stays = createStays(random, venue);
  const associations = devices.flatMap((device, index) => {
    const forgets = index > 0 && random.chance(0.3);
    return stays.flatMap((stay, at) => {
      if (index > 0 && random.chance(0.3)) return [];
      const isLast = at === stays.length - 1;
      // A device that stays behind is silent from then on; its battery lasts some more hours.
      const to = forgets && isLast ? Math.min(stay.to + random.between(20, 240) * minute, venue.dayLength) : stay.to;
      return createAssociations(random, venue, device, stay, Math.max(to, stay.to));
    });
  });
  return { id, devices, stays, associations };
}

function createStays(random: Random, { spaces, dayLength }: Venue): Stay[] {
  const stays: Stay[] = [];
  let at = random.between(0, dayLength / 3);
  while (at < dayLength - 5 * minute && stays.length < 4) {
    const length = random.chance(0.15) ? random.between(10, 120) * second : random.between(5 * minute, dayLength / 2);
    const to = Math.min(at + length, dayLength);
    stays.push({ spaceId: random.pick(spaces).id, from: at, to });
    at =
      to +
      random.pick([
        random.between(30, 600) * second,
        random.between(10, 40) * minute,
        random.between(40, 150) * minute,
      ]);
  }
  return stays;
}

function createAssociations(
  random: Random,
  venue: Venue,
  { id: device }: Device,
  stay: Stay,
  until: number,
): Association[] {
  const near = venue.accessPoints.filter(({ spaceId }) => spaceId === stay.spaceId);
  const associations: Association[] = [];
  let from = Math.min(stay.from + random.between(0, 20) * second, stay.to);
  while (from < until && associations.length < 6) {
    const roams = near.length > 1 && from < stay.to && random.chance(0.6);
    const to = roams ? Math.min(from + random.between(2 * minute, hour), until) : until;
    const traffic = createTraffic(random, [from, Math.min(to, stay.to)]);
    associations.push({ device, accessPoint: random.pick(near), from, to, saysGoodbye: random.chance(0.5), traffic });
    if (!roams) break;
    from = to + random.between(0, 3) * second;
  }
  return associations;
}

function createTraffic(random: Random, [from, to]: Interval): Interval[] {
  const traffic: Interval[] = [];
  let at = from;
  while (at < to) {
    const awake = Math.min(at + random.between(5 * second, 30 * minute), to);
    traffic.push([at, awake]);
    at = awake + (random.chance(0.3) ? random.between(10, 50) * minute : random.between(10, 600) * second);
  }
  return traffic;
}

/** How long the device had traffic until `at`, milliseconds. */
export function trafficUntil(traffic: readonly Interval[], at: number): number {
  return traffic.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, at) - from), 0);
}
