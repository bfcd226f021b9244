import { setTimeout as delay } from 'node:timers/promises';
import { scrub } from '../db/scrub.ts';
import type { Schema } from '../db/schema.ts';
import type { Registry } from '../identity/registry.ts';
import type { Tombstones } from '../identity/tombstones.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import { countWaiting, forgetPerson, forgetStations } from '../presence/forget-person.ts';
import type { PresenceStore } from '../presence/store.ts';
import type { UnregisteredStations } from '../presence/unregistered.ts';
import { withdrawPresence } from '../presence/withdraw.ts';
import { rewriteAppendOnlyFiles } from '../redis/append-only-file.ts';
import { byItself } from '../runtime/actor.ts';
import { DeadlineError, withDeadline } from '../runtime/deadline.ts';
import type { Logger } from '../runtime/logger.ts';
import { Loop } from '../runtime/loop.ts';
import { together } from '../runtime/together.ts';
import { applyTombstones } from './apply-tombstones.ts';
import {
  anonymiseSome,
  beginErasure,
  closeAll,
  forgetId,
  isAtWork,
  removeCustomer,
  type Appended,
  type Erasure,
} from './erase-ledger.ts';
import type { EventDraft } from './event.ts';

export type ErasurePorts = {
  readonly registry: Registry;
  readonly tombstones: Tombstones;
  readonly stores: readonly PresenceStore[];
  readonly unregistered: Pick<UnregisteredStations, 'forgetStation'>;
  readonly logger: Logger;
  readonly spaceIds: () => readonly string[];
  /** Resolves when what this process has taken in is in Redis. */
  readonly settled: () => Promise<void>;
  readonly onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
  /** How long other nodes may take to follow the registry, milliseconds; 0 where there can be none. */
  readonly othersFollowMs: number;
};

const settleMs = 2_000;
/** How long the recorder may take for what it has been left; what it has not recorded by then is not recorded. */
const recordMs = 3_000;
const lookEveryMs = 20;
const againMs = 60_000;

/** Whatever held something of somebody. */
const tables: readonly (keyof Schema)[] = [
  'customers',
  'identities',
  'devices',
  'device_addresses',
  'device_conflicts',
  'passes',
  'tokens',
  'privacy_choices',
  'visits',
  'check_ins',
  'events',
  'changes',
  'idempotency_keys',
  'erasures',
];

/**
 * Erases people. What was begun is finished, if need be by the next start: each step may be repeated, and the row in `erasures`
 * stays until the last one. In order: nothing more is kept, whoever is in is out, the history becomes nobody's, the customer goes, Redis
 * forgets, and nothing of it is left in the files.
 */
export class Erasures implements AsyncDisposable {
  readonly #ports: ErasurePorts;
  readonly #asked = new Map<string, Promise<boolean>>();
  readonly #atWork = new Map<string, Promise<void>>();
  /** Those who are erased at the same time share what is done for all. */
  readonly #scrub: () => Promise<void>;
  #loop: Loop | undefined;

  constructor(ports: ErasurePorts) {
    this.#ports = ports;
    this.#scrub = together(async () => {
      await this.#rewrite();
      await scrub(ports.registry.db, tables);
    });
  }

  /** Resolves when nothing of the customer is left; false when there is no such customer. */
  async erase(customerId: string): Promise<boolean> {
    const asked = this.#asked.get(customerId) ?? this.#erase(customerId).finally(() => this.#asked.delete(customerId));
    this.#asked.set(customerId, asked);
    return await asked;
  }

  async #erase(customerId: string): Promise<boolean> {
    const erasure = await beginErasure(this.#ports.registry, customerId);
    if (erasure === undefined) return false;
    await this.#finish(erasure);
    return true;
  }

  /** Erases again whom an old copy of the ledger has brought back, and finishes what was begun; then keeps looking. */
  async start(): Promise<void> {
    const { logger } = this.#ports;
    const fail = (err: unknown): void => logger.error({ err }, 'somebody is not erased completely yet; trying again');
    await this.#look().catch(fail);
    this.#loop = new Loop({
      run: () => this.#look(),
      everyMs: againMs,
      backoff: { firstMs: 1_000, mostMs: againMs },
      onError: (err, failures) => {
        if (failures === 1) fail(err);
      },
    });
  }

  async #look(): Promise<void> {
    const { registry, tombstones } = this.#ports;
    await applyTombstones(registry, tombstones);
    const rows = await registry.db.read.selectFrom('erasures').selectAll().where('done_at', 'is', null).execute();
    for (const { hash, customer_id: customerId, asked_at: askedAt } of rows) {
      if (customerId !== null) await this.#finish({ hash, customerId, askedAt });
      else await this.#leaveNothing({ hash, askedAt });
    }
  }

  async #finish(erasure: Erasure): Promise<void> {
    const { hash } = erasure;
    // Whose doing it is was told when it began; it may be finished by another call, or by the next start.
    const begin = () => byItself(() => this.#work(erasure)).finally(() => this.#atWork.delete(hash));
    const work = this.#atWork.get(hash) ?? begin();
    this.#atWork.set(hash, work);
    await work;
  }

  async #work(erasure: Erasure): Promise<void> {
    const { registry, tombstones, stores, unregistered, spaceIds } = this.#ports;
    const { customerId, hash, askedAt } = erasure;
    tombstones.add([[hash, askedAt]]);
    await this.#settled();
    await withdrawPresence(stores, customerId, spaceIds(), 'erased');
    await this.#untilRecorded(customerId);
    this.#tell(await closeAll(registry.db, erasure, registry.clock.now()));
    while (await anonymiseSome(registry.db, erasure));
    await forgetStations(unregistered, spaceIds(), await addressesOf(registry, customerId));
    this.#tell(await removeCustomer(registry, erasure));
    if (this.#ports.othersFollowMs > 0) await delay(this.#ports.othersFollowMs);
    await this.#settled();
    // Another node may have finished meanwhile, and somebody new come under the id.
    if (!(await isAtWork(registry.db.write, erasure))) return;
    await forgetPerson(stores, customerId);
    await forgetId(registry, erasure);
    await this.#leaveNothing(erasure);
  }

  async #leaveNothing({ hash, askedAt }: Pick<Erasure, 'hash' | 'askedAt'>): Promise<void> {
    const { db, clock } = this.#ports.registry;
    await this.#scrub();
    await db.write
      .updateTable('erasures')
      .set({ done_at: clock.now() })
      .where('hash', '=', hash)
      .where('asked_at', '=', askedAt)
      .where('customer_id', 'is', null)
      .execute();
  }

  #tell(appended: Appended): void {
    if (appended !== undefined) this.#ports.onRecorded(appended.lastSequence, appended.events);
  }

  async #settled(): Promise<void> {
    await withDeadline(settleMs, this.#ports.settled()).catch((error: unknown) => {
      // Others keep reporting; what was taken in of this one is long in Redis.
      if (!(error instanceof DeadlineError)) throw error;
    });
  }

  async #untilRecorded(customerId: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < recordMs; waitedMs += lookEveryMs) {
      if ((await countWaiting(this.#ports.stores, customerId)) === 0) return;
      await delay(lookEveryMs);
    }
  }

  async #rewrite(): Promise<void> {
    const { stores, logger } = this.#ports;
    for (const { redis, keys } of stores) {
      if (await rewriteAppendOnlyFiles(redis, keys.presence)) continue;
      logger.warn(
        'Redis refuses to write its append-only file anew; what was erased may be in it until it does so itself',
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#atWork.values());
  }
}

/** Every address that a device of theirs has, or had. */
async function addressesOf({ db, vault }: Registry, customerId: string): Promise<MacAddress[]> {
  const rows = await db.read
    .selectFrom('device_addresses as a')
    .innerJoin('devices as d', 'd.id', 'a.device_id')
    .innerJoin('customers as c', 'c.id', 'd.customer_id')
    .select(['a.hash', 'a.sealed', 'c.data_key'])
    .where('d.customer_id', '=', customerId)
    .execute();
  return rows.flatMap((row) => {
    return vault.tryOpen(row.sealed, row.hash, { customerId, dataKey: row.data_key }) ?? [];
  });
}
