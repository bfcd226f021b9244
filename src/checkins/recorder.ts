import type { Transaction } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import { isAnyOf } from '../db/bulk.ts';
import { DatabaseError } from '../db/database-error.ts';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { noteConflicts } from '../identity/device-conflicts.ts';
import { shardKeys } from '../presence/keys.ts';
import type { SystemTransition, Transition, VisitTransition } from '../presence/transition.ts';
import type { Redis } from '../redis/connect.ts';
import { Duty } from '../redis/duty.ts';
import { replicated } from '../redis/replication.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { loadDraft } from './draft.ts';
import type { EventDraft } from './event.ts';
import { inLedgerTransaction, writeChanges } from './ledger-transaction.ts';
import { record, type Draft, type Recorded, type SpaceRules } from './record.ts';
import { recordedSetting } from './restore-presence.ts';
import { clearRuns } from './runs.ts';
import { writeSetting } from './settings.ts';
import { toSeenConflicts, toSystemEvent } from './system-events.ts';
import { parseTransition, type StreamEntry } from './transitions.ts';

export type RecorderPorts = {
  readonly db: Database;
  readonly redis: Redis;
  /** A connection of the recorder's own: it waits in blocking reads. */
  readonly reader: Redis;
  readonly shard: number;
  readonly node: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rules: (spaceId: string) => SpaceRules | undefined;
  /** Called after each commit, with the sequence of the last event and all events in order. */
  readonly onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
  readonly onDropped: (result: Exclude<Recorded, 'recorded'> | 'refused') => void;
  readonly onPending: (transitions: number) => void;
  /** Visits of customers whom the ledger does not know, such as erased ones. */
  readonly onUnknown?: (visits: readonly VisitTransition[]) => void;
};

const batchSize = 500;
const blockMs = 1_000;
const dutyMs = 5_000;
const retryMs = 500;

/**
 * Moves transitions from a shard's stream into the ledger: one transaction per batch, and an entry is deleted from
 * the stream only after its commit. One node per shard is on duty, so that a customer's transitions stay in
 * order; should two ever read the same entries, the second finds them recorded.
 */
export class Recorder implements AsyncDisposable {
  readonly #ports: RecorderPorts;
  readonly #stream: string;
  readonly #duty: Duty;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #failing: 'the database' | 'Redis' | undefined;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
    const keys = shardKeys(ports.shard);
    this.#stream = keys.transitions;
    this.#duty = new Duty(ports.redis, keys.recorderDuty, ports.node, dutyMs);
    this.#loop = this.#run();
  }

  /** Whether the database does not take transitions now. */
  get isFailing(): boolean {
    return this.#failing === 'the database';
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#duty.acquire()) {
          const entries = await this.#next();
          if (entries.length > 0) {
            if (await this.#isHeld()) await this.#recordAll(entries);
            else await this.#pause(retryMs);
          }
          this.#report();
        } else {
          await this.#pause(blockMs);
        }
      } catch (error) {
        this.#report(error);
        await this.#pause(retryMs);
      }
    }
  }

  async #next(): Promise<StreamEntry[]> {
    const { redis, reader, onPending } = this.#ports;
    // What was read and not committed is still in the stream, so reading always begins at its start.
    const reply = await reader.xread('COUNT', batchSize, 'BLOCK', blockMs, 'STREAMS', this.#stream, '0');
    const entries = (reply?.[0]?.[1] ?? []) as StreamEntry[];
    onPending(entries.length < batchSize ? entries.length : await redis.xlen(this.#stream));
    return entries;
  }

  /**
   * Whether a replica has all that was read, where there are replicas: a failover would undo the rest, and nobody undoes
   * the ledger. Renewing the duty is a write that comes after what was read, so who has it has everything.
   */
  async #isHeld(): Promise<boolean> {
    const { redis, clock } = this.#ports;
    const [isOnDuty, isReplicated] = await replicated(redis, this.#stream, clock, () => this.#duty.acquire());
    return isOnDuty && isReplicated;
  }

  async #recordAll(entries: readonly StreamEntry[]): Promise<void> {
    const { redis, onPending } = this.#ports;
    const transitions: Transition[] = [];
    for (const entry of entries) {
      const transition = parseTransition(entry);
      if (transition === undefined)
        this.#ports.logger.error({ entry: entry[0] }, 'a transition cannot be understood and is dropped');
      else transitions.push(transition);
    }
    if (transitions.length > 0) await this.#commitOrSetAside(transitions);
    await redis.xdel(this.#stream, ...entries.map(([id]) => id));
    if (entries.length < batchSize) onPending(0);
  }

  /** One transition that the database refuses for good must not hold up the others: halves find it. */
  async #commitOrSetAside(transitions: readonly Transition[]): Promise<void> {
    try {
      await this.#commit(transitions);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.retryable) throw error;
      if (transitions.length === 1) {
        await this.#setAside(transitions[0] as Transition, error);
        return;
      }
      const half = Math.ceil(transitions.length / 2);
      await this.#commitOrSetAside(transitions.slice(0, half));
      await this.#commitOrSetAside(transitions.slice(half));
    }
  }

  /** Kept for whoever mends it; nothing that was acknowledged is thrown away. */
  async #setAside(transition: Transition, error: DatabaseError): Promise<void> {
    const { redis, logger, shard, onDropped } = this.#ports;
    await redis.rpush(shardKeys(shard).refused, JSON.stringify({ transition, reason: error.message }));
    logger.error({ err: error, transition: transition.id }, 'a transition is refused by the database and set aside');
    onDropped('refused');
  }

  async #commit(transitions: readonly Transition[]): Promise<void> {
    const { db, shard, clock, onRecorded, onDropped, onUnknown } = this.#ports;
    const visits = transitions.filter((transition) => transition.type === 'visit');
    const withdrawn = transitions.filter((transition) => transition.type === 'withdrawn');
    const customerIds = [...new Set(transitions.flatMap(customersOf))];
    const visitIds = new Set(visits.flatMap(({ visitId, intoVisitId }) => [visitId, intoVisitId ?? visitId]));
    const { draft, dropped, unknown, lastSequence } = await inLedgerTransaction(db, async (trx) => {
      const draft = await loadDraft(trx, db.kind, customerIds, [...visitIds]);
      const repeated = await recordedEvents(trx, db.kind, transitions);
      const dropped: Exclude<Recorded, 'recorded'>[] = [];
      const unknown: VisitTransition[] = [];
      for (const transition of transitions) {
        const result = this.#record(draft, transition, repeated);
        if (result !== 'recorded') dropped.push(result);
        if (result === 'unknownCustomer' && transition.type === 'visit') unknown.push(transition);
      }
      const changes = {
        visits: draft.changedVisits.values(),
        checkIns: draft.changedCheckIns.values(),
        events: draft.events,
      };
      const lastSequence = await writeChanges(trx, db.kind, changes, clock.now());
      await noteConflicts(trx, toSeenConflicts(draft.events));
      await clearRuns(
        trx,
        withdrawn.map(({ customerId }) => customerId),
      );
      // A Redis that does not know this entry has lost its latest writes.
      await writeSetting(trx, recordedSetting(shard), (transitions.at(-1) as Transition).id);
      return { draft, dropped, unknown, lastSequence };
    });
    for (const result of dropped) onDropped(result);
    if (unknown.length > 0) onUnknown?.(unknown);
    if (lastSequence !== undefined) onRecorded(lastSequence, draft.events);
  }

  #record(draft: Draft, transition: Transition, repeated: ReadonlySet<string>): Recorded {
    if (transition.type === 'visit') return record(draft, transition, this.#ports.rules(transition.spaceId));
    if (transition.type === 'withdrawn') return 'recorded';
    // Nobody is spoken of who is not there any more.
    if (!customersOf(transition).every((id) => draft.customers.has(id))) return 'unknownCustomer';
    const event = toSystemEvent(transition);
    if (repeated.has(event.id)) return 'repeated';
    draft.events.push(event);
    return 'recorded';
  }

  /** One line when recording begins to fail and one when it works again; entries wait in the stream meanwhile. */
  #report(error?: unknown): void {
    const { logger, shard } = this.#ports;
    if (this.#stop.signal.aborted) return;
    const failing = error === undefined ? undefined : error instanceof DatabaseError ? 'the database' : 'Redis';
    if (failing !== undefined && failing !== this.#failing) {
      logger.error({ err: error, shard }, `transitions are not recorded because of ${failing}; they wait`);
    }
    if (failing === undefined && this.#failing !== undefined) logger.info({ shard }, 'transitions are recorded again');
    this.#failing = failing;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  /** Ends after the batch at hand. A read that waits for something to come is cut short. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#ports.reader.disconnect();
    await this.#loop;
    // Without this, another node takes over only when the duty runs out, seconds later.
    await this.#duty.release().catch(() => undefined);
  }
}

function isSystem(transition: Transition): transition is SystemTransition {
  return transition.type !== 'visit' && transition.type !== 'withdrawn';
}

function customersOf(transition: Transition): readonly string[] {
  if (transition.type === 'visit' || transition.type === 'withdrawn') return [transition.customerId];
  if (transition.type !== 'conflict') return [];
  const { customerId, registeredTo, authenticatedAs } = transition;
  return [...new Set([customerId, registeredTo ?? customerId, authenticatedAs ?? customerId])];
}

/** Those of the events that these transitions stand for which are in the ledger already. */
async function recordedEvents(
  trx: Transaction<Schema>,
  kind: Database['kind'],
  transitions: readonly Transition[],
): Promise<ReadonlySet<string>> {
  const ids = transitions.filter(isSystem).map((transition) => toSystemEvent(transition).id);
  if (ids.length === 0) return new Set();
  const rows = await trx
    .selectFrom('events')
    .select('id')
    .where(isAnyOf(kind, 'id', ids))
    .execute();
  return new Set(rows.map(({ id }) => id));
}
