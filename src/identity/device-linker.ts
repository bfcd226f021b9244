import type { Transaction } from 'kysely';
import { inRegistryTransaction, type NoteChange } from '../db/registry-transaction.ts';
import type { Schema } from '../db/schema.ts';
import type { IdentityKind } from '../observation/identity.ts';
import { isLocallyAdministered, type MacAddress } from '../observation/mac-address.ts';
import { newId } from '../runtime/id.ts';
import { Loop } from '../runtime/loop.ts';
import { addAddress, liveAddresses, supersede } from './device-addresses.ts';
import { toDeviceClass } from './device-class.ts';
import { decideLink, type Heard, type LinkDecision } from './linking.ts';
import type { Registry } from './registry.ts';

/** A station that nobody has registered, and the customer that the network authenticated on it. */
export type ProvenStation = {
  readonly station: MacAddress;
  readonly customerId: string;
  readonly spaceId: string;
  readonly evidence: IdentityKind | undefined;
  /** When it was heard, epoch milliseconds. */
  readonly at: number;
  /** Reports it once more: called when it turns out later what it is, so that what was recorded meanwhile is named after it. */
  readonly again: () => void;
};

/** A device has another address than before, or one that was taken for two addresses of one device is a device of its own. */
export type Relinked = {
  readonly customerId: string;
  readonly spaceId: string | null;
  readonly deviceId: string;
  readonly reason: 'newAddress' | 'returned' | 'split';
  readonly evidence: IdentityKind | null;
  /** The device that it was taken for before. */
  readonly previousDeviceId: string | null;
};

/** Writes what happened in the transaction in which it happens; what it answers is called once that is committed. */
export type TellRelinked = (trx: Transaction<Schema>, relinked: readonly Relinked[]) => Promise<() => void>;

export type LinkerPorts = Registry & {
  /** What the network has shown lately of the devices of these customers. */
  readonly heard: (
    customerIds: readonly string[],
  ) => Promise<(customerId: string, deviceId: string) => Heard | undefined>;
  readonly tell: TellRelinked;
  /** Whether what the network shows is registered by itself. */
  readonly learn: boolean;
  readonly quota?: number | undefined;
  readonly onError: (error: unknown, failures: number) => void;
};

type Asked = ProvenStation & {
  again: () => void;
  /** When it is looked at again. */
  dueAt: number;
  askedAt: number;
  answer: PromiseWithResolvers<void> | undefined;
};

/** `gone`: the customer does not exist any more. */
type Outcome = LinkDecision | { readonly type: 'gone' };

/** Without a quota, what registers itself must not go on for ever. */
const mostLearned = 10;
const mostAsked = 20_000;
const batchSize = 100;
/** How long a report waits for the registry, which may be down. It counts for its customer in any case. */
const patienceMs = 1_000;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
/** Of whom nothing more is heard, nothing more needs to be known. */
const forgetMs = 3_600_000;

/**
 * Registers what the network has proven to be a customer's: as the next address of a device that they have, or as
 * another device. What cannot be told yet is looked at again, ever more rarely.
 */
export class DeviceLinker implements AsyncDisposable {
  readonly #ports: LinkerPorts;
  readonly #asked = new Map<string, Asked>();
  readonly #loop: Loop;

  constructor(ports: LinkerPorts) {
    this.#ports = ports;
    const backoff = { firstMs: 500, mostMs: 10_000 };
    this.#loop = new Loop({ run: () => this.#round(), everyMs: 500, backoff, onError: ports.onError });
  }

  /** A promise to wait for before the station is resolved again; undefined when nothing is to be waited for. */
  ask(proven: ProvenStation): Promise<void> | undefined {
    const now = this.#ports.clock.now();
    const known = this.#asked.get(proven.station);
    if (known?.customerId === proven.customerId) {
      known.askedAt = now;
      known.again = proven.again;
      return known.answer?.promise;
    }
    if (this.#asked.size >= mostAsked) return undefined;
    const answer = Promise.withResolvers<void>();
    this.#asked.set(proven.station, { ...proven, dueAt: 0, askedAt: now, answer });
    setTimeout(answer.resolve, patienceMs);
    this.#loop.wake();
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
    for (const asked of this.#asked.values()) asked.answer?.resolve();
  }

  async #round(): Promise<void> {
    const now = this.#ports.clock.now();
    const due: Asked[] = [];
    for (const [station, asked] of this.#asked) {
      if (asked.answer === undefined && now - asked.askedAt > forgetMs) this.#asked.delete(station);
      else if (asked.dueAt <= now && due.length < batchSize) due.push(asked);
    }
    if (due.length === 0) return;
    try {
      await this.#decide(due, now);
    } catch (error) {
      for (const asked of due) wait(asked, now);
      throw error;
    } finally {
      for (const asked of due) {
        asked.answer?.resolve();
        asked.answer = undefined;
      }
    }
    if (due.length === batchSize) this.#loop.wake();
  }

  async #decide(due: readonly Asked[], now: number): Promise<void> {
    const { db, clock, heard, tell } = this.#ports;
    const heardOf = await heard([...new Set(due.map(({ customerId }) => customerId))]);
    const { decisions, told } = await inRegistryTransaction(db, clock, async (trx, note) => {
      const decided: Outcome[] = [];
      const relinked: Relinked[] = [];
      for (const asked of due) {
        const { customerId, spaceId, evidence = null } = asked;
        const decision = await this.#link(trx, note, asked, (deviceId) => heardOf(customerId, deviceId));
        decided.push(decision);
        if (decision.type === 'relink') {
          const { deviceId } = decision;
          relinked.push({ customerId, spaceId, deviceId, reason: 'newAddress', evidence, previousDeviceId: null });
        }
      }
      return { decisions: decided, told: await tell(trx, relinked) };
    });
    told();
    decisions.forEach(({ type }, index) => {
      const asked = due[index] as Asked;
      if (type === 'wait' || type === 'full') {
        wait(asked, now);
      } else {
        this.#asked.delete(asked.station);
        // Otherwise the report that asked is waiting for this.
        if (asked.answer === undefined && type !== 'gone') asked.again();
      }
    });
  }

  async #link(
    trx: Transaction<Schema>,
    note: NoteChange,
    { station, customerId, at }: ProvenStation,
    heard: (deviceId: string) => Heard | undefined,
  ): Promise<Outcome> {
    const { vault, clock, learn, quota = Infinity } = this.#ports;
    const hash = vault.hash(station);
    const customer = await trx
      .selectFrom('customers')
      .select('data_key')
      .where('id', '=', customerId)
      .executeTakeFirst();
    const taken = await trx
      .selectFrom('device_addresses')
      .select('retired_at')
      .where('hash', '=', hash)
      .executeTakeFirst();
    if (customer === undefined) return { type: 'gone' };
    // Somebody was faster.
    if (taken !== undefined && taken.retired_at === null) return { type: 'register' };
    const owner = { customerId, dataKey: customer.data_key };
    const rows = await trx
      .selectFrom('devices')
      .select(['id', 'class', 'origin'])
      .where('customer_id', '=', customerId)
      .execute();
    const addresses = await liveAddresses(
      trx,
      vault,
      owner,
      rows.map(({ id }) => id),
    );
    const devices = rows.map((row) => ({
      id: row.id,
      class: toDeviceClass(row.class) ?? null,
      isRandom: (addresses.get(row.id) ?? []).some(({ isRandom, supersededAt }) => isRandom && supersededAt === null),
    }));
    const learned = rows.filter(({ origin }) => origin === 'identity').length;
    const most = learn && learned < mostLearned ? quota : 0;
    const newcomer = { isRandom: isLocallyAdministered(station), since: at };
    const decision = decideLink(newcomer, devices, heard, most);
    if (decision.type !== 'relink' && decision.type !== 'register') return decision;
    const now = clock.now();
    if (taken !== undefined) await trx.deleteFrom('device_addresses').where('hash', '=', hash).execute();
    const deviceId = decision.type === 'relink' ? decision.deviceId : newId('dev');
    if (decision.type === 'relink') {
      await supersede(trx, addresses.get(deviceId) ?? [], now);
    } else {
      const device = { id: deviceId, customer_id: customerId, name: null, class: null, origin: 'identity' as const };
      await trx
        .insertInto('devices')
        .values({ ...device, created_at: now, updated_at: now })
        .execute();
    }
    await addAddress(trx, vault, station, { deviceId, owner, now });
    note('device', deviceId);
    note('address', hash);
    return decision;
  }
}

/** What is undecided for long is looked at rarely. */
function wait(asked: Asked, now: number): void {
  asked.dueAt = now + Math.min(longestWaitMs, Math.max(firstWaitMs, (now - asked.at) / 2));
}
