import type { SpaceTiming } from '../../src/presence/rules.ts';
import type { Random } from '../support/random.ts';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** Where and by whose clock everything happens: minute 0 is the morning of the one day that a seed has. */
export const morning = Date.UTC(2026, 10, 24, 8);

export type Space = Omit<SpaceTiming, 'counts'>;

/** An access point, as it really is. */
export type AccessPoint = {
  readonly name: string;
  readonly spaceId: string;
  /** How often it sends interims, milliseconds; undefined: never. */
  readonly cadence: number | undefined;
  /** Whether its administrator has told us the cadence. */
  readonly isSet: boolean;
  /** Whether its reports have octets. */
  readonly counts: boolean;
  /** How long after the last word of a station that walked out it sends the Stop. */
  readonly inactivity: number;
  /** How far its clock is off, milliseconds; what claims to be later than its arrival is held back to it. */
  readonly clockError: number;
  /** How often it sends a report that nobody answers, before it gives up. */
  readonly attempts: number;
};

export type Venue = {
  readonly spaces: readonly Space[];
  readonly accessPoints: readonly AccessPoint[];
  /** From the first arrival until everybody has left, milliseconds. */
  readonly dayLength: number;
};

const cadences = [1, 2, 5, 5, 10, 10, 15, 20, 30, 60].map((minutes) => minutes * minute);

export function createVenue(random: Random, hasWrongClocks: boolean): Venue {
  const dayLength = random.pick([90, 180, 180, 300, 480]) * minute;
  const settle = random.chance(0.2) ? 2 * minute : 0;
  const rules = { idleTimeout: 15 * minute, settle, rejoin: 60 * minute, maxBlind: 120 * minute, timeZone: 'UTC' };
  const spaces = ['hq', 'annex'].slice(0, random.chance(0.25) ? 2 : 1).map((id) => Object.assign({ id }, rules));
  // At most some eighty reports of one station a day.
  const possible = cadences.filter((cadence) => dayLength / cadence <= 80);
  const usual = random.pick(possible);
  const accessPoints = spaces.flatMap(({ id: spaceId }) =>
    Array.from({ length: random.between(1, 3) }, (_, index) => {
      const cadence = random.chance(0.1) ? undefined : random.chance(0.7) ? usual : random.pick(possible);
      return {
        name: `${spaceId}-ap${index}`,
        spaceId,
        cadence,
        isSet: cadence !== undefined && random.chance(0.15),
        counts: random.chance(0.85),
        inactivity: random.pick([0, 30 * second, 5 * minute]),
        clockError: hasWrongClocks && random.chance(0.5) ? random.between(-3 * minute, 4 * minute) : 0,
        attempts: random.pick([3, 10, 1_000]),
      };
    }),
  );
  return { spaces, accessPoints, dayLength };
}
