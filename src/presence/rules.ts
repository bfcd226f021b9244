import { Packr } from 'msgpackr';

/** What presence must know of a space; durations in milliseconds. */
export type SpaceTiming = {
  readonly id: string;
  readonly idleTimeout: number;
  readonly settle: number;
  readonly rejoin: number;
  readonly maxBlind: number;
  /** Whether an observation from this SSID counts; an unknown SSID does. */
  counts(ssid: string | undefined): boolean;
};

const packr = new Packr({ useRecords: false });

/** The rules of a space as presence/lua/record.lua names them. */
export function packedRules(space: SpaceTiming, lateWindow: number): number[] {
  return [space.idleTimeout, space.settle, space.rejoin, space.maxBlind, lateWindow];
}

/** The rules of all spaces, packed once, and the number by which a sighting names its own. */
export class RuleBook {
  /** For lua/observe.lua: a list. */
  readonly list: Buffer;
  /** For lua/expire.lua: by space. */
  readonly bySpace: Buffer;
  readonly #idleTimeouts: readonly number[];
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(spaces: readonly SpaceTiming[], lateWindow: number) {
    this.list = packr.pack(spaces.map((space) => [...packedRules(space, lateWindow), space.id]));
    this.bySpace = packr.pack(Object.fromEntries(spaces.map((space) => [space.id, packedRules(space, lateWindow)])));
    this.#idleTimeouts = spaces.map((space) => space.idleTimeout);
    this.#numbers = new Map(spaces.map((space, index) => [space.id, index + 1]));
  }

  /** From 1; 0 for a space that is not configured. */
  number(spaceId: string): number {
    return this.#numbers.get(spaceId) ?? 0;
  }

  /** Milliseconds, by the number of the rules. */
  idleTimeout(number: number): number {
    return this.#idleTimeouts[number - 1] ?? Infinity;
  }
}
