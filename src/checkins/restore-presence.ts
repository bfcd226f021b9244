import { Packr } from 'msgpackr';
import type { Database } from '../db/database.ts';
import { erasedCustomerId } from '../identity/customers.ts';
import { presenceMember, shardOf } from '../presence/keys.ts';
import type { SpaceTiming } from '../presence/rules.ts';
import type { PresenceStore } from '../presence/store.ts';
import { withdrawalReasons } from '../presence/transition.ts';
import { Duty } from '../redis/duty.ts';
import { Script } from '../redis/script.ts';
import type { Clock } from '../runtime/clock.ts';
import { randomText } from '../runtime/id.ts';
import type { Logger } from '../runtime/logger.ts';
import { readSetting, writeSetting } from './settings.ts';

export type RestorePorts = {
  readonly db: Database;
  readonly stores: readonly PresenceStore[];
  readonly node: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly space: (id: string) => SpaceTiming | undefined;
  /** How far back late evidence may correct a visit, milliseconds. */
  readonly lateWindow: number;
  readonly onRebuilt: () => void;
  /** Epoch milliseconds by the clock of Redis; given where that is not its own. */
  readonly readTime?: () => Promise<number>;
};

const epochSetting = 'presence epoch';
const seenUntilSetting = 'presence seen until';
const leaseMs = 60_000;
const rowsPerPage = 2_000;
/** Beyond whatever Redis may have given out after the ledger had read it. */
const revisionsApart = 1_000;

type Row = {
  readonly id: string;
  readonly customer_id: string;
  readonly space_id: string;
  readonly arrived_at: number;
  readonly last_activity_at: number;
  readonly departed_at: number | null;
  readonly reason: string | null;
  readonly revision: number;
};

/**
 * The ledger is the truth: a Redis that was emptied, replaced, or has lost its latest writes is filled anew from it. Until then no
 * observation is acknowledged, so that the access points repeat theirs. Open visits begin a fresh idle window.
 */
export class PresenceRestore {
  readonly #ports: RestorePorts;
  readonly #packr = new Packr({ useRecords: false });
  readonly #duty: Duty;
  #atWork: Promise<void> | undefined;

  constructor(ports: RestorePorts) {
    this.#ports = ports;
    const [store] = ports.stores as [PresenceStore];
    this.#duty = new Duty(store.redis, store.keys.restoreDuty, ports.node, leaseMs);
  }

  /** Makes sure that Redis holds what the ledger knows. Those who ask meanwhile wait for the same answer. */
  async ensure(): Promise<void> {
    this.#atWork ??= this.#ensure().finally(() => (this.#atWork = undefined));
    await this.#atWork;
  }

  /** Remembered outside Redis, so that a loss of Redis tells how long nothing was seen. */
  async noteSeeing(): Promise<void> {
    await writeSetting(this.#ports.db.write, seenUntilSetting, String(this.#ports.clock.now()));
  }

  async #ensure(): Promise<void> {
    const { db, stores } = this.#ports;
    const epoch = await readSetting(db.read, epochSetting);
    if (epoch !== undefined && (await this.#isWhole(epoch))) {
      for (const store of stores) store.epoch = epoch;
      return;
    }
    if (!(await this.#duty.acquire())) throw new Error('another node puts presence back');
    try {
      await this.#restore(await readSetting(db.write, epochSetting));
    } finally {
      await this.#duty.release();
    }
  }

  /** Whether every shard is of this epoch and has all that the ledger has recorded from it. */
  async #isWhole(epoch: string): Promise<boolean> {
    const { db, stores } = this.#ports;
    for (const [shard, { redis, keys }] of stores.entries()) {
      if ((await redis.hget(keys.clock, 'epoch')) !== epoch) return false;
      const recorded = await readSetting(db.read, recordedSetting(shard));
      if (recorded === undefined) continue;
      if (isAfter(recorded, await lastEntry(redis, keys.transitions))) return false;
    }
    return true;
  }

  async #restore(before: string | undefined): Promise<void> {
    const { db, stores, clock, logger, onRebuilt } = this.#ports;
    // Another node may have been faster.
    if (before !== undefined && (await this.#isWhole(before))) {
      for (const store of stores) store.epoch = before;
      return;
    }
    if (before !== undefined) logger.warn('Redis has lost the presence of this ledger; putting it back');
    const epoch = randomText(16);
    await writeSetting(db.write, epochSetting, epoch);
    // What was recorded from the stream that is lost says nothing about the one that begins.
    for (const shard of stores.keys()) await writeSetting(db.write, recordedSetting(shard), '0-0');
    for (const { redis, keys } of stores) await redis.del(keys.clock, keys.presence, keys.due, keys.nas);
    const now = await (this.#ports.readTime?.() ?? redisNow(stores[0] as PresenceStore));
    const seenUntil = Number((await readSetting(db.read, seenUntilSetting)) ?? now);
    const began = clock.monotonic();
    const visits = await this.#putVisits(now, seenUntil);
    for (const store of stores) {
      // A pause that began before the loss says nothing of how often an access point reports.
      const seenFrom = before === undefined ? {} : { sawUntil: now };
      await store.redis.hset(store.keys.clock, { epoch, beat: now, ...seenFrom });
      store.epoch = epoch;
    }
    if (before === undefined) return;
    onRebuilt();
    const tookMs = Math.round(clock.monotonic() - began);
    logger.info({ visits, tookMs }, 'presence is put back; everyone who was in has a fresh idle window');
  }

  /** Page by page in the order of customers, so that all visits of one are together. */
  async #putVisits(now: number, seenUntil: number): Promise<number> {
    const { db, lateWindow } = this.#ports;
    let count = 0;
    let after = { customer: '', space: '', id: '' };
    let held: Row[] = [];
    for (;;) {
      const page: Row[] = await db.read
        .selectFrom('visits')
        .select([
          'id',
          'customer_id',
          'space_id',
          'arrived_at',
          'last_activity_at',
          'departed_at',
          'reason',
          'revision',
        ])
        // One that is over and lies ahead was over before the clock was set back, and is not to be met again.
        .where((eb) =>
          eb.or([eb('departed_at', 'is', null), eb.between('last_activity_at', now - lateWindow + 1, now)]),
        )
        .where((eb) => eb.or([eb('reason', 'is', null), eb('reason', 'not in', ['void', ...withdrawalReasons])]))
        .where('customer_id', '!=', erasedCustomerId)
        .where((eb) =>
          eb(eb.refTuple('customer_id', 'space_id', 'id'), '>', eb.tuple(after.customer, after.space, after.id)),
        )
        .orderBy('customer_id')
        .orderBy('space_id')
        .orderBy('id')
        .limit(rowsPerPage)
        .execute();
      const rows = [...held, ...page];
      count += page.length;
      const last = rows.at(-1);
      if (last === undefined) return count;
      const isEnd = page.length < rowsPerPage;
      held = isEnd ? [] : rows.filter((row) => row.customer_id === last.customer_id && row.space_id === last.space_id);
      await this.#put(rows.slice(0, rows.length - held.length), now, seenUntil);
      if (isEnd) return count;
      after = { customer: last.customer_id, space: last.space_id, id: last.id };
    }
  }

  async #put(rows: readonly Row[], now: number, seenUntil: number): Promise<void> {
    const { stores } = this.#ports;
    const byShard = stores.map(() => new Map<string, unknown[][]>());
    for (const row of rows.toSorted((a, b) => a.arrived_at - b.arrived_at)) {
      const members = byShard[shardOf(row.customer_id, stores.length)] as Map<string, unknown[][]>;
      const member = presenceMember(row.space_id, row.customer_id);
      const visits = members.get(member) ?? [];
      members.set(member, visits);
      visits.push(this.#toVisit(row, now, seenUntil));
    }
    for (const [shard, members] of byShard.entries()) {
      const store = stores[shard] as PresenceStore;
      const keys = [store.keys.presence, store.keys.due];
      if (members.size > 0) await store.scripts.restore.run(store.redis, keys, [this.#packr.pack([...members]), now]);
    }
  }

  /** As lua/record.lua has it: id, since, last, open, revision, baseFrom, baseTo, reason, told, heldUntil. */
  #toVisit(row: Row, now: number, seenUntil: number): unknown[] {
    const { id, departed_at: departedAt, reason, revision } = row;
    // Where the clock was set back since, whoever is in has been so until now.
    const since = Math.min(row.arrived_at, now);
    const last = Math.min(row.last_activity_at, now);
    const isOpen = departedAt === null;
    const space = this.#ports.space(row.space_id);
    const wasBlindTooLong = space === undefined || now - seenUntil > space.maxBlind;
    const heldUntil = !isOpen ? 0 : wasBlindTooLong ? -1 : now + space.idleTimeout;
    return [id, since, last, isOpen, revision + revisionsApart, since, last, reason ?? '', last, heldUntil];
  }
}

/** The setting that holds the last entry of a shard's stream that the ledger has recorded. */
export function recordedSetting(shard: number): string {
  return `recorded transitions ${shard}`;
}

/** By a key, so that of a cluster the server answers that runs the presence scripts: clocks differ. */
const timeScript = new Script(`return redis.call('TIME')`);

async function redisNow({ redis, keys }: PresenceStore): Promise<number> {
  const [seconds, micros] = (await timeScript.run(redis, [keys.clock], [])) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

async function lastEntry(redis: PresenceStore['redis'], stream: string): Promise<string> {
  const info = (await redis.xinfo('STREAM', stream).catch((error: unknown) => {
    if (error instanceof Error && error.message.includes('no such key')) return [];
    throw error;
  })) as unknown[];
  const at = info.indexOf('last-generated-id');
  return at === -1 ? '0-0' : String(info[at + 1]);
}

function isAfter(a: string, b: string): boolean {
  const [aMs = 0, aCount = 0] = a.split('-').map(Number);
  const [bMs = 0, bCount = 0] = b.split('-').map(Number);
  return aMs === bMs ? aCount > bCount : aMs > bMs;
}
