import type { Redis } from 'ioredis';
import { Recorder } from '../../src/checkins/recorder.ts';
import type { SpaceRules } from '../../src/checkins/record.ts';
import { PresenceRestore } from '../../src/checkins/restore-presence.ts';
import { DatabaseError } from '../../src/db/database-error.ts';
import type { Database } from '../../src/db/database.ts';
import type { Resolution } from '../../src/identity/directory-index.ts';
import type { NasReset } from '../../src/observation/nas-reset.ts';
import type { Observation, RecordResult } from '../../src/observation/observation.ts';
import { PresenceEngine } from '../../src/presence/engine.ts';
import { Heartbeat } from '../../src/presence/heartbeat.ts';
import { NasWatch } from '../../src/presence/nas-watch.ts';
import { PresenceClock } from '../../src/presence/presence-clock.ts';
import { RuleBook, type SpaceTiming } from '../../src/presence/rules.ts';
import type { PresenceScripts } from '../../src/presence/scripts.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import { UnregisteredStations } from '../../src/presence/unregistered.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { Gate } from './gate.ts';
import { hour } from './venue.ts';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

export const lateWindow = 24 * hour;
const logger = createLogger({ level: process.env['SIM_LOG'] ?? 'silent' });
const sessionNumber = createTextNumbers(Buffer.alloc(8, 7));

export type ServicePorts = {
  readonly redis: Redis;
  readonly db: Database;
  readonly clock: Clock;
  readonly scripts: PresenceScripts;
  readonly uniqueText: () => string;
  readonly spaces: readonly SpaceTiming[];
  readonly resolve: (station: string) => Resolution | undefined;
};

/** One life of the process: what app.ts puts together, with the loops' next step taken when it is asked for. */
export class Service {
  readonly store: PresenceStore;
  readonly engine: PresenceEngine;
  readonly #heartbeat: Heartbeat;
  readonly #restore: PresenceRestore;
  readonly #recorder: Recorder;
  readonly #gate: Gate;
  readonly #rules: RuleBook;
  /** Whether Redis was found not to be ours since the last `ensure`. */
  isLost = false;
  /** What goes wrong with the recorder's next batch. */
  breaksAt: 'commit' | 'delete' | undefined;
  readonly #heard = new Set<string>();
  #learning: Promise<void> = Promise.resolve();

  constructor({ redis, db, clock, scripts, uniqueText, spaces, resolve }: ServicePorts) {
    const onLost = (): void => void (this.isLost = true);
    this.store = new PresenceStore({ redis, shard: 0, uniqueText, maxBacklog: 1_000_000, onLost, scripts });
    const space = (id: string): SpaceTiming | undefined => spaces.find((one) => one.id === id);
    const readTime = async (): Promise<number> => clock.now();
    const restorePorts = { db, stores: [this.store], node: 'sim', clock, logger, space, lateWindow, readTime };
    this.#restore = new PresenceRestore({ ...restorePorts, onRebuilt: () => undefined });
    const presenceClock = new PresenceClock(clock);
    const watch = new NasWatch(sessionNumber);
    this.#heartbeat = new Heartbeat({ store: this.store, watch, clock: presenceClock, logger });
    this.#rules = new RuleBook(spaces, lateWindow, presenceClock);
    const deriveKey = (): Buffer => Buffer.alloc(32, 1);
    this.engine = new PresenceEngine({
      stores: [this.store],
      rules: this.#rules,
      watch,
      logger,
      space,
      resolve: (station) => resolve(station ?? ''),
      unregistered: new UnregisteredStations(redis, clock, logger, { deriveKey, sessionNumber }),
      sessionNumber,
      lateWindow,
      onIgnored: () => undefined,
      onLearned: () => (this.#learning = this.#heartbeat.beat()),
      onStored: () => undefined,
      clock: presenceClock,
    });
    this.#gate = new Gate(redis);
    const toRules = ({ id }: SpaceTiming): SpaceRules => ({ id, requirePass: false, methods: ['wifi'] });
    this.#recorder = new Recorder({
      db: this.#breaking(db),
      redis: this.#breakingRedis(redis),
      reader: this.#gate.reader,
      shard: 0,
      node: 'sim',
      clock,
      logger: this.#gate.logger,
      rules: (id) => (space(id) ? toRules(space(id) as SpaceTiming) : undefined),
      onRecorded: () => undefined,
      onDropped: (result) => void (this.dropped[result] = (this.dropped[result] ?? 0) + 1),
      onPending: () => undefined,
    });
  }

  readonly dropped: Record<string, number> = {};

  /** As app.ts starts it. */
  async start(): Promise<void> {
    await this.ensure();
    await this.#heartbeat.beat();
  }

  async ensure(): Promise<void> {
    await this.#restore.ensure();
    this.isLost = false;
  }

  async noteSeeing(): Promise<void> {
    await this.#restore.noteSeeing();
  }

  async beat(): Promise<void> {
    await this.#heartbeat.beat().catch((error: unknown) => this.#tolerate(error));
  }

  async expire(): Promise<number> {
    try {
      return (await this.store.expire(this.#rules.bySpace, 500)).looked;
    } catch (error) {
      this.#tolerate(error);
      return 0;
    }
  }

  #tolerate(error: unknown): void {
    if (!this.isLost) throw error;
  }

  /** Whether this process has heard none of some of these access points so far; they are known from then on. */
  hearsFirst(observations: readonly Observation[]): boolean {
    const before = this.#heard.size;
    for (const { nas } of observations) if (nas !== undefined) this.#heard.add(nas);
    return this.#heard.size > before;
  }

  /** Resolves with what became of each, when that and all that follows from it is done. */
  async observe(observations: readonly Observation[]): Promise<RecordResult[]> {
    const results: RecordResult[] = [];
    for (const [index, one] of observations.entries()) this.engine.observe(one, (result) => (results[index] = result));
    await this.engine.settled();
    await this.#learning;
    await this.engine.settled();
    return results;
  }

  async reset(reset: NasReset): Promise<RecordResult> {
    return await new Promise((done) => this.#heartbeat.reset(reset, done));
  }

  /** The recorder takes one batch. False when something went wrong on the way. */
  async record(): Promise<boolean> {
    return await this.#gate.letThrough();
  }

  async stop(): Promise<void> {
    await this.#recorder[Symbol.asyncDispose]();
  }

  #breaking(db: Database): Database {
    const transaction = () => ({
      execute: async (work: Parameters<ReturnType<Database['write']['transaction']>['execute']>[0]) => {
        const result = await db.write.transaction().execute(work);
        if (this.breaksAt === 'commit') {
          this.breaksAt = undefined;
          throw new DatabaseError('the answer to the commit was lost', { retryable: true });
        }
        return result;
      },
    });
    const write = new Proxy(db.write, {
      get: (target, name) => (name === 'transaction' ? transaction : Reflect.get(target, name)),
    });
    return { ...db, write };
  }

  #breakingRedis(redis: Redis): Redis {
    const xdel = async (...args: Parameters<Redis['xdel']>) => {
      if (this.breaksAt === 'delete') {
        this.breaksAt = undefined;
        throw new Error('the process died before this');
      }
      return await redis.xdel(...args);
    };
    return new Proxy(redis, {
      // One process is on duty at all times.
      get: (target, name) => (name === 'xdel' ? xdel : name === 'eval' ? async () => 1 : bound(target, name)),
    });
  }
}

function bound(target: Redis, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}
