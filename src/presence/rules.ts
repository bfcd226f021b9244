import { Packr } from 'msgpackr';
import type { Clock } from '../runtime/clock.ts';

/** What presence must know of a space; durations in milliseconds. */
export type SpaceTiming = {
  readonly id: string;
  readonly idleTimeout: number;
  readonly settle: number;
  readonly rejoin: number;
  readonly maxBlind: number;
  /** IANA name; its nights are when a laptop that is still there was left behind. */
  readonly timeZone: string;
  /** Whether an observation from this SSID counts; an unknown SSID does. */
  counts(ssid: string | undefined): boolean;
};

const packr = new Packr({ useRecords: false });

/** The rules of a space as presence/lua/record.lua names them, at the moment `now`. */
export function packedRules(space: SpaceTiming, lateWindow: number, now: number): number[] {
  const { idleTimeout, settle, rejoin, maxBlind, timeZone } = space;
  return [idleTimeout, settle, rejoin, maxBlind, lateWindow, offsetOf(timeZone, now)];
}

/** One takes a millisecond to make. */
const offsetFormats = new Map<string, Intl.DateTimeFormat>();

/** By how much the time of day is ahead of UTC, milliseconds. */
function offsetOf(timeZone: string, now: number): number {
  const format = offsetFormats.get(timeZone) ?? new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  offsetFormats.set(timeZone, format);
  const name = format.formatToParts(now).find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/u.exec(name ?? '') ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Time zones change their offset at whole hours. */
const renewEveryMs = 3_600_000;

/** The rules of all spaces, packed once an hour, and the number by which a sighting names its own. */
export class RuleBook {
  readonly #spaces: readonly SpaceTiming[];
  readonly #lateWindow: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #numbers: ReadonlyMap<string, number>;
  #hour = Number.NaN;
  #list: Buffer = Buffer.alloc(0);
  #bySpace: Buffer = Buffer.alloc(0);

  constructor(spaces: readonly SpaceTiming[], lateWindow: number, clock: Pick<Clock, 'now'>) {
    this.#spaces = spaces;
    this.#lateWindow = lateWindow;
    this.#clock = clock;
    this.#numbers = new Map(spaces.map((space, index) => [space.id, index + 1]));
  }

  /** For lua/observe.lua: a list. */
  get list(): Buffer {
    this.#renew();
    return this.#list;
  }

  /** For lua/expire.lua: by space. */
  get bySpace(): Buffer {
    this.#renew();
    return this.#bySpace;
  }

  /** From 1; 0 for a space that is not configured. */
  number(spaceId: string): number {
    return this.#numbers.get(spaceId) ?? 0;
  }

  /** Milliseconds, by the number of the rules. */
  idleTimeout(number: number): number {
    return this.#spaces[number - 1]?.idleTimeout ?? Infinity;
  }

  #renew(): void {
    const now = this.#clock.now();
    const hour = Math.floor(now / renewEveryMs);
    if (hour === this.#hour) return;
    this.#hour = hour;
    const rules = this.#spaces.map((space) => packedRules(space, this.#lateWindow, now));
    this.#list = packr.pack(rules.map((rule, index) => [...rule, this.#spaces[index]?.id]));
    this.#bySpace = packr.pack(Object.fromEntries(rules.map((rule, index) => [this.#spaces[index]?.id, rule])));
  }
}
