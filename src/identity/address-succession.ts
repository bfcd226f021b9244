import { isAnyOf } from '../db/bulk.ts';
import { inRegistryTransaction } from '../db/registry-transaction.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import { newId } from '../runtime/id.ts';
import { Loop } from '../runtime/loop.ts';
import { liveAddresses, reinstate, supersede } from './device-addresses.ts';
import type { Relinked, TellRelinked } from './device-linker.ts';
import type { Registry } from './registry.ts';

export type SuccessionPorts = Registry & {
  readonly tell: TellRelinked;
  readonly quota?: number | undefined;
  /** How long an address stays known after its device went on to another, milliseconds. */
  readonly retireAfter: number;
  readonly onError: (error: unknown, failures: number) => void;
};

/** A report of a registered station, as far as it matters here. */
export type StationReport = {
  readonly station: MacAddress;
  readonly deviceId: string;
  readonly spaceId: string;
  readonly status: 'start' | 'interim' | 'stop' | undefined;
  readonly octets: number | undefined;
};

/** Two addresses of a device that are active by turns this often are two devices. */
const mostTurns = 4;
const everyMs = 5_000;
/** A retired address is nobody's, and is kept this long for `why`. */
const forgetRetiredMs = 30 * 86_400_000;
const batchSize = 500;

type Turns = { last: MacAddress | undefined; turns: number; readonly octets: Map<MacAddress, number> };
type Finding = StationReport & { readonly reason: 'returned' | 'split' };

/**
 * Watches devices that have gone from one address to another: retires the old address after a time, takes note when the
 * device goes back to it, and makes two devices of it when both addresses turn out to be in use at once.
 */
export class AddressSuccession implements AsyncDisposable {
  readonly #ports: SuccessionPorts;
  readonly #loop: Loop;
  readonly #watched = new Map<string, Turns>();
  readonly #findings = new Map<string, Finding>();

  constructor(ports: SuccessionPorts) {
    this.#ports = ports;
    const backoff = { firstMs: 1_000, mostMs: 60_000 };
    this.#loop = new Loop({ run: () => this.#round(), everyMs, backoff, onError: ports.onError });
  }

  /** Asked with every report of a registered station; most devices have one address, and cost nothing. */
  hear(report: StationReport): void {
    const turns = this.#watched.size === 0 ? undefined : this.#watched.get(report.deviceId);
    if (turns === undefined || report.status === 'stop') return;
    const { station, octets, status } = report;
    const before = turns.octets.get(station);
    if (octets !== undefined) turns.octets.set(station, octets);
    // That an access point still counts a session is no sign of life of its device.
    const isActive = status === 'start' || (octets !== undefined && before !== undefined && octets !== before);
    if (!isActive || turns.last === station) return;
    if (turns.last !== undefined) turns.turns += 1;
    turns.last = station;
    if (turns.turns >= mostTurns) this.#find({ ...report, reason: 'split' });
    else if (status === 'start') this.#find({ ...report, reason: 'returned' });
  }

  /** How many devices have gone on to another address lately. */
  get size(): number {
    return this.#watched.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  #find(finding: Finding): void {
    this.#findings.set(finding.deviceId, finding);
    this.#loop.wake();
  }

  async #round(): Promise<void> {
    const findings = [...this.#findings.values()];
    this.#findings.clear();
    for (const finding of findings) await this.#settle(finding);
    await this.#retire();
    await this.#watch();
  }

  /** Each device once, but not by `distinct`: SQLite would walk through every address in the order of the devices for it. */
  async #watch(): Promise<void> {
    const rows = await this.#ports.db.read
      .selectFrom('device_addresses')
      .select('device_id')
      .where('superseded_at', 'is not', null)
      .where('retired_at', 'is', null)
      .execute();
    const now = new Set(rows.map(({ device_id }) => device_id));
    for (const id of this.#watched.keys()) if (!now.has(id)) this.#watched.delete(id);
    for (const id of now) {
      if (!this.#watched.has(id)) this.#watched.set(id, { last: undefined, turns: 0, octets: new Map() });
    }
  }

  /** The device is back at an address that it had left, or has never left it, and the newer one is another device's. */
  async #settle({ station, deviceId, spaceId, reason }: Finding): Promise<void> {
    const { db, clock, vault, tell, quota = Infinity } = this.#ports;
    const told = await inRegistryTransaction(db, clock, async (trx, note) => {
      const device = await trx
        .selectFrom('devices as d')
        .innerJoin('customers as c', 'c.id', 'd.customer_id')
        .select(['c.id', 'c.data_key'])
        .where('d.id', '=', deviceId)
        .executeTakeFirst();
      if (device === undefined) return undefined;
      const customerId = device.id;
      const owner = { customerId, dataKey: device.data_key };
      const addresses = (await liveAddresses(trx, vault, owner, [deviceId])).get(deviceId) ?? [];
      const found = addresses.find(({ hash }) => hash === vault.hash(station));
      if (found === undefined || addresses.length < 2) return undefined;
      const now = clock.now();
      const relinked: Relinked = { customerId, spaceId, deviceId, reason, evidence: null, previousDeviceId: null };
      if (reason === 'returned') {
        if (found.supersededAt === null) return undefined;
        await supersede(trx, addresses, now);
        await reinstate(trx, found.hash);
        return await tell(trx, [relinked]);
      }
      const newest = addresses.findLast(({ isRandom }) => isRandom);
      if (newest === undefined) return undefined;
      for (const { hash } of addresses) await reinstate(trx, hash);
      const { count } = await trx
        .selectFrom('devices')
        .select((eb) => eb.fn.countAll<number | string>().as('count'))
        .where('customer_id', '=', customerId)
        .executeTakeFirstOrThrow();
      note('address', newest.hash);
      if (Number(count) >= quota) {
        // It goes on to count for its customer, by what the network proves, and is no device of theirs.
        await trx.deleteFrom('device_addresses').where('hash', '=', newest.hash).execute();
        return await tell(trx, []);
      }
      const split = newId('dev');
      const row = { id: split, customer_id: customerId, name: null, class: null, origin: 'identity' as const };
      await trx
        .insertInto('devices')
        .values({ ...row, created_at: now, updated_at: now })
        .execute();
      const moved = { device_id: split, created_at: now };
      await trx.updateTable('device_addresses').set(moved).where('hash', '=', newest.hash).execute();
      note('device', split);
      return await tell(trx, [{ ...relinked, deviceId: split, previousDeviceId: deviceId }]);
    });
    const turns = this.#watched.get(deviceId);
    if (told !== undefined && turns !== undefined) turns.turns = 0;
    told?.();
  }

  async #retire(): Promise<void> {
    const { db, clock, retireAfter } = this.#ports;
    const now = clock.now();
    const due = await db.read
      .selectFrom('device_addresses')
      .select('hash')
      .where('superseded_at', '<=', now - retireAfter)
      .where('retired_at', 'is', null)
      .limit(batchSize)
      .execute();
    const forgotten = await db.read
      .selectFrom('device_addresses')
      .select('hash')
      .where('retired_at', '<=', now - forgetRetiredMs)
      .limit(batchSize)
      .execute();
    if (due.length + forgotten.length === 0) return;
    await inRegistryTransaction(db, clock, async (trx, note) => {
      const hashes = due.map(({ hash }) => hash);
      await trx
        .updateTable('device_addresses')
        .set({ retired_at: now })
        .where(isAnyOf(db.kind, 'hash', hashes))
        .where('superseded_at', '<=', now - retireAfter)
        .execute();
      for (const hash of hashes) note('address', hash);
      await trx
        .deleteFrom('device_addresses')
        .where(
          isAnyOf(
            db.kind,
            'hash',
            forgotten.map(({ hash }) => hash),
          ),
        )
        .where('retired_at', '<=', now - forgetRetiredMs)
        .execute();
    });
    if (due.length === batchSize || forgotten.length === batchSize) this.#loop.wake();
  }
}
