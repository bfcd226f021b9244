import { Redis } from 'ioredis';
import { Ledger } from '../../src/checkins/ledger.ts';
import { Recorder } from '../../src/checkins/recorder.ts';
import { PresenceRestore } from '../../src/checkins/restore-presence.ts';
import type { EventDraft } from '../../src/checkins/event.ts';
import { bulkInsert } from '../../src/db/bulk.ts';
import type { Database } from '../../src/db/database.ts';
import type { MacAddress } from '../../src/observation/mac-address.ts';
import { nasKey, sessionKey } from '../../src/observation/session-key.ts';
import type { RecordResult } from '../../src/observation/observation.ts';
import { PresenceEngine } from '../../src/presence/engine.ts';
import { Heartbeat } from '../../src/presence/heartbeat.ts';
import { NasWatch } from '../../src/presence/nas-watch.ts';
import { PresenceClock } from '../../src/presence/presence-clock.ts';
import { RuleBook, type SpaceTiming } from '../../src/presence/rules.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import { UnregisteredStations } from '../../src/presence/unregistered.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { lateWindow, minute, morning, rulesOf, scripts, virtualTime } from './presence-world.ts';
import { until } from './until.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

/** Just below what would be a gap. */
const beatMs = 4_900;
const mostPerLook = 500;
const log = createLogger({ level: 'silent' });

export type HouseReport = {
  readonly who: string;
  readonly nas: string;
  readonly session: string;
  readonly status: 'start' | 'interim' | 'stop';
  readonly octets?: number;
  /** Minutes after `morning`; now when left out. */
  readonly at?: number;
  readonly space?: string;
  readonly lastedMin?: number;
  readonly reportingInterval?: number;
};

export type HouseOptions = {
  readonly spaces?: readonly SpaceTiming[];
  /** How long late evidence may move anything, milliseconds. */
  readonly late?: number;
  /** From when on somebody is to be seen, epoch milliseconds. */
  readonly trackedSince?: (who: string) => number | undefined;
};

/** Everything between an observation and the ledger, as in production, in a house whose time of day passes as a story needs it. */
export class House implements AsyncDisposable {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly heartbeat: Heartbeat;
  readonly restore: PresenceRestore;
  readonly redis: Redis;
  readonly store: PresenceStore;
  readonly events: EventDraft[] = [];
  now = morning;
  readonly #engine: PresenceEngine;
  readonly #book: RuleBook;
  readonly #stack: AsyncDisposableStack;
  rebuilds = 0;

  private constructor(
    db: Database,
    redisUrl: string,
    { spaces = [rulesOf()], late = lateWindow, trackedSince = () => undefined }: HouseOptions,
    stack: AsyncDisposableStack,
  ) {
    this.db = db;
    this.#stack = stack;
    this.redis = new Redis(redisUrl);
    stack.defer(() => this.redis.disconnect());
    const clock: Clock = { now: () => this.now, monotonic: () => this.now };
    const find = (id: string) => spaces.find((space) => space.id === id);
    let count = 0;
    const uniqueText = (): string => `v${(count += 1)}-`;
    this.store = new PresenceStore({
      redis: this.redis,
      shard: 0,
      uniqueText,
      maxBacklog: 1_000_000,
      onLost: () => undefined,
      scripts,
    });
    const stores = [this.store];
    const numberOf = createTextNumbers(Buffer.alloc(8, 3));
    const watch = new NasWatch(numberOf);
    const presenceClock = new PresenceClock(clock);
    this.#book = new RuleBook(spaces, late, { now: () => this.now });
    this.heartbeat = new Heartbeat({ store: this.store, watch, clock: presenceClock, logger: log });
    const keys = { deriveKey: () => Buffer.alloc(32, 1), sessionNumber: numberOf };
    this.#engine = new PresenceEngine({
      stores,
      rules: this.#book,
      watch,
      logger: log,
      clock: presenceClock,
      space: find,
      // Every station is called after its owner.
      resolve: (station) =>
        station === undefined
          ? undefined
          : {
              customerId: station,
              deviceId: `dev_${station}`,
              optedIn: true,
              trackedSince: trackedSince(station),
              deviceClass: undefined,
            },
      unregistered: new UnregisteredStations(this.redis, clock, log, keys),
      sessionNumber: numberOf,
      lateWindow: late,
      onIgnored: () => undefined,
      onLearned: () => this.heartbeat.beat(),
      onStored: () => undefined,
    });
    const onRecorded = (_: number, events: readonly EventDraft[]): void => void this.events.push(...events);
    const rules = (id: string) =>
      find(id) ? ({ id, requirePass: true, methods: ['wifi', 'admin'] } as const) : undefined;
    this.ledger = new Ledger({ db, clock, rules, onRecorded });
    this.restore = new PresenceRestore({
      db,
      stores,
      node: 'house',
      clock,
      logger: log,
      space: find,
      lateWindow: late,
      onRebuilt: () => void (this.rebuilds += 1),
      readTime: async () => this.now,
    });
    stack.use(
      new Recorder({
        db,
        redis: this.redis,
        reader: this.redis.duplicate(),
        shard: 0,
        node: 'house',
        clock,
        logger: log,
        rules,
        onRecorded,
        onDropped: () => undefined,
        onPending: () => undefined,
      }),
    );
  }

  static async open(db: Database, redisUrl: string, options: HouseOptions = {}): Promise<House> {
    const stack = new AsyncDisposableStack();
    const house = new House(db, redisUrl, options, stack);
    await house.redis.flushall();
    await house.redis.set(virtualTime, house.now);
    await house.restore.ensure();
    await house.heartbeat.beat();
    return house;
  }

  /** A customer with a pass. */
  async customer(id: string): Promise<void> {
    await this.customers([id]);
  }

  async customers(ids: readonly string[]): Promise<void> {
    const nothing = { email: null, plan_id: null, opted_in: null } as const;
    const customers = ids.map((id) => {
      const times = { created_at: 1, updated_at: 1 };
      return { id, name: id, ...nothing, active: 1, share_name: 0, data_key: '', ...times } as const;
    });
    const always = {
      amount: null,
      past_uses: 0,
      past_ms: 0,
      valid_from: null,
      valid_until: null,
      space_ids: null,
      revoked_at: null,
    } as const;
    const passes = ids.map((id) => {
      return { id: `pass_${id}`, customer_id: id, kind: 'unlimited', ...always, created_at: 1 } as const;
    });
    await this.db.write.transaction().execute(async (trx) => {
      await bulkInsert(trx, this.db.kind, 'customers', customers);
      await bulkInsert(trx, this.db.kind, 'passes', passes);
    });
  }

  /** An access point reports; answers what an accounting request would be answered by. */
  async report(report: HouseReport): Promise<RecordResult> {
    const { who, nas, session, status, octets, at, space = 'hq', lastedMin, reportingInterval } = report;
    const key = nasKey(space, nas);
    const { promise, resolve } = Promise.withResolvers<RecordResult>();
    this.#engine.observe(
      {
        sourceId: 'aps',
        spaceId: space,
        kind: status === 'stop' ? 'left' : 'associated',
        at: at === undefined ? this.now : Math.round(morning + at * minute),
        station: who as MacAddress,
        nas: key,
        ...(reportingInterval !== undefined && { reportingInterval }),
        session: {
          key: sessionKey(key, session),
          status,
          ...(octets !== undefined && { octets }),
          ...(lastedMin !== undefined && { durationMs: lastedMin * minute }),
        },
      },
      resolve,
    );
    return await promise;
  }

  /** An access point says that it has restarted. */
  async restart(nas: string, space = 'hq'): Promise<void> {
    const reset = { sourceId: 'aps', spaceId: space, nasKey: nasKey(space, nas), kind: 'on', at: this.now } as const;
    await new Promise((done) => this.heartbeat.reset(reset, done));
  }

  /** Time passes with the heart beating, up to `until`, minutes after `morning`. */
  async passTo(until: number): Promise<void> {
    const end = Math.round(morning + until * minute);
    while (this.now < end) {
      await this.#setTime(Math.min(end, this.now + beatMs));
      await this.heartbeat.beat();
      await this.look();
    }
  }

  /** Time passes and nobody is at work. */
  async sleepTo(until: number): Promise<void> {
    await this.#setTime(morning + until * minute);
  }

  /** All of it is gone, but for the time of day. */
  async emptyRedis(): Promise<void> {
    await this.redis.flushall();
    await this.redis.set(virtualTime, this.now);
  }

  async look(): Promise<void> {
    while ((await this.store.expire(this.#book.bySpace, mostPerLook)).looked === mostPerLook);
  }

  /** Resolves when everything that was decided is in the ledger. */
  async recorded(): Promise<void> {
    await this.#engine.settled();
    await until('the stream is empty', async () => (await this.redis.xlen(this.store.keys.transitions)) === 0);
  }

  /** Check-ins of a customer, oldest first, as `state start-end reason`, in minutes. */
  async story(customerId: string): Promise<string[]> {
    await this.recorded();
    const checkIns = await this.ledger.list({ customerId }, { limit: 50 });
    const minutes = (at: number | null): string => (at === null ? '' : String(Math.round((at - morning) / 6_000) / 10));
    return checkIns
      .toReversed()
      .map(({ state, startedAt, endedAt, checkOutReason }) =>
        `${state} ${minutes(startedAt)}-${minutes(endedAt)} ${checkOutReason ?? ''}`.trim(),
      );
  }

  async #setTime(now: number): Promise<void> {
    this.now = now;
    await this.redis.set(virtualTime, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
