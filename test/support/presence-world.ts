import type { Redis } from 'ioredis';
import { Packr, Unpackr } from 'msgpackr';
import { parseTransition, type StreamEntry } from '../../src/checkins/transitions.ts';
import type { Disputant } from '../../src/identity/directory-index.ts';
import type { Observation } from '../../src/observation/observation.ts';
import { RuleBook, type SpaceTiming } from '../../src/presence/rules.ts';
import { createPresenceScripts } from '../../src/presence/scripts.ts';
import { disputed, packSighting, type PackedSighting } from '../../src/presence/sighting.ts';
import { readPresence, type PresenceState } from '../../src/presence/state.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import type { Transition } from '../../src/presence/transition.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

export const minute = 60_000;
export const lateWindow = 1_440 * minute;
/** 2026-11-24 08:00 UTC: minute 0 of every story. */
export const morning = Date.UTC(2026, 10, 24, 8);

export const virtualTime = 'rollcall:{0}:virtual-time';
/** The production scripts, but for the one line that reads the time. */
export const scripts = createPresenceScripts(
  `local function read_time() return tonumber(redis.call('GET', '${virtualTime}')) end`,
);
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });
const epoch = 'the only one';

/** A report of an access point; times are minutes after `morning`. */
export type Report = {
  readonly at: number;
  readonly who?: string;
  readonly space?: string;
  readonly device?: string;
  readonly session?: string;
  readonly nas?: string;
  readonly status?: 'start' | 'interim' | 'stop';
  readonly octets?: number;
  readonly lastedMin?: number;
  /** Given, the report is of no session. */
  readonly kind?: Observation['kind'];
  readonly isLaptop?: boolean;
  /** Whose device the address is registered as, when that is not `who`. */
  readonly registeredTo?: Disputant;
  /** Given, it is registered as `who`'s, and that other customer is whom the network authenticated. */
  readonly deviceWins?: boolean;
};

export function rulesOf(space: Partial<SpaceTiming> = {}): SpaceTiming {
  return {
    id: 'hq',
    idleTimeout: 15 * minute,
    settle: 0,
    rejoin: 60 * minute,
    maxBlind: 120 * minute,
    timeZone: 'UTC',
    counts: () => true,
    ...space,
  };
}

/** The production scripts in a real Redis whose time of day is a variable. */
export class PresenceWorld {
  readonly redis: Redis;
  readonly store: PresenceStore;
  readonly numberOf = createTextNumbers(Buffer.alloc(8, 7));
  readonly spaces: readonly SpaceTiming[];
  readonly book: RuleBook;
  now = morning;
  #batch = 0;

  constructor(redis: Redis, spaces: readonly SpaceTiming[] = [rulesOf()], maxBacklog = 1_000_000) {
    this.redis = redis;
    this.spaces = spaces;
    this.book = new RuleBook(spaces, lateWindow, { now: () => this.now });
    const uniqueText = (): string => `b${(this.#batch += 1)}-`;
    this.store = new PresenceStore({ redis, shard: 0, uniqueText, maxBacklog, onLost: () => undefined, scripts });
    this.store.epoch = epoch;
  }

  async start(): Promise<this> {
    await this.redis.flushall();
    await this.redis.hset(this.store.keys.clock, 'epoch', epoch, 'beat', this.now);
    await this.go(0);
    return this;
  }

  /** The time of day becomes that of `at`, minutes after `morning`, as steadily seen as ever. */
  async go(at: number): Promise<void> {
    this.now = morning + Math.round(at * minute);
    await this.redis.set(virtualTime, this.now);
    await this.redis.hset(this.store.keys.clock, 'beat', this.now);
  }

  /** The clock is set to another time of day, or nobody was there meanwhile: no beat tells of it. */
  async jump(at: number): Promise<void> {
    this.now = morning + Math.round(at * minute);
    await this.redis.set(virtualTime, this.now);
  }

  pack(report: Report): PackedSighting {
    const { at, who = 'mia', space = 'hq', device = 'phone', session = 's1', status = 'interim', kind } = report;
    const { octets, lastedMin, nas, isLaptop = false, registeredTo, deviceWins } = report;
    const observation: Observation = {
      sourceId: 'aps',
      spaceId: space,
      kind: kind ?? (status === 'stop' ? 'left' : 'associated'),
      at: morning + Math.round(at * minute),
      ...(kind === undefined && {
        session: {
          key: session,
          status,
          ...(octets !== undefined && { octets }),
          ...(lastedMin !== undefined && { durationMs: lastedMin * minute }),
        },
      }),
    };
    const owner = { member: `${space}|${who}`, deviceId: device, rule: this.book.number(space), isLaptop };
    const number = kind === undefined ? this.numberOf(session) : 0;
    const sighting = packSighting(owner, observation, lateWindow, number, nas === undefined ? 0 : this.numberOf(nas));
    return registeredTo === undefined ? sighting : disputed(sighting, registeredTo, deviceWins ? 'device' : 'identity');
  }

  async observe(...reports: readonly Report[]): Promise<unknown> {
    return await this.store.observe(packr.pack(reports.map((report) => this.pack(report))), this.book.list);
  }

  async expire(): Promise<{ readonly looked: number; readonly lagMs: number }> {
    return await this.store.expire(this.book.bySpace, 500);
  }

  /** A minute passes with a look at the timers every so often, up to `until`. */
  async wait(until: number, everyMin = 1): Promise<void> {
    for (let at = (this.now - morning) / minute; at < until; at = Math.min(until, at + everyMin)) {
      await this.go(at);
      await this.expire();
    }
    await this.go(until);
    await this.expire();
  }

  /** One heartbeat; `heard` as lua/beat.lua takes it. */
  async beat(heard: readonly unknown[][] = []): Promise<unknown[]> {
    const reply = (await this.store.runBinary('beat', [packr.pack(heard)])) as [number, number, number, Buffer];
    return unpackr.unpack(reply[3]) as unknown[];
  }

  async transitions(): Promise<Transition[]> {
    const entries = (await this.redis.xrange(this.store.keys.transitions, '-', '+')) as unknown as StreamEntry[];
    return entries.map((entry) => {
      const transition = parseTransition(entry);
      if (transition === undefined) throw new Error(`not a transition: ${JSON.stringify(entry)}`);
      return transition;
    });
  }

  /** What the stream holds of visits, as `state from-last`, in minutes. */
  async story(): Promise<string[]> {
    const told = (await this.transitions()).filter((transition) => transition.type === 'visit');
    return told.map(({ state, arrivedAt, lastActivityAt }) => {
      return `${state} ${(arrivedAt - morning) / minute}-${(lastActivityAt - morning) / minute}`;
    });
  }

  /** The visits as they are now, told or not: `open from-last`. */
  async visits(who = 'mia', space = 'hq'): Promise<string[]> {
    const state = await this.state(who, space);
    return (state?.visits ?? []).map(({ isOpen, since, lastActivityAt, reason }) => {
      const times = `${(since - morning) / minute}-${(lastActivityAt - morning) / minute}`;
      return isOpen ? `open ${times}` : `${reason} ${times}`;
    });
  }

  async state(who = 'mia', space = 'hq'): Promise<PresenceState | undefined> {
    const timing = this.spaces.find(({ id }) => id === space) as SpaceTiming;
    return (await readPresence([this.store], timing, { lateWindow, now: this.now }, [who]))[0];
  }
}
