import { Packr } from 'msgpackr';
import { toHashText } from '../identity/address-hash.ts';
import { open, seal } from '../identity/seal.ts';
import { TextHash } from '../identity/text-hash.ts';
import type { AddressHold, AddressSink } from '../observation/address-hold.ts';
import { parseIpAddress, type IpAddress } from '../observation/ip-address.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { Observation } from '../observation/observation.ts';
import type { Redis } from '../redis/connect.ts';
import { asked } from '../redis/redis-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { Batcher } from './batcher.ts';
import { DayKeys, dayOf } from './day-keys.ts';
import { shardKeys } from './keys.ts';
import { noteAddressesScript } from './scripts.ts';
import { WrittenHolds, type WrittenHold } from './written-holds.ts';

/** How long an address is believed after the last report that named it, milliseconds, where no lease says. */
const sessionMs = 86_400_000;
const reportMs = 3_600_000;
/** What holds is written again after this long, so that it neither runs out nor stays lost with a Redis. */
const refreshMs = 2 * 3_600_000;
/** Links that are kept of a station, and stations of an address: a phone that roams has a session for each access point. */
const mostKept = 16;
const limits = { maxBatch: 128, maxInFlight: 1, maxQueued: 10_000 };

export type AddressBookPorts = {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 32 bytes for a purpose, always the same ones for the same master key. */
  readonly deriveKey: (purpose: string) => Buffer;
};

type Item = {
  /** What was remembered as written for it; undefined for an end. */
  readonly remembered?: WrittenHold;
  readonly holder: string;
  readonly holders: string;
  readonly packed: readonly [link: string, at: number, until: number, address: string, station: string, sealed: string];
};
/**
 * Which station has which network address, as the sources tell it, whoever the station belongs to. It is shared by all
 * nodes through Redis, since each hears a part of the packets, and kept for a day at most. Neither keys nor values hold an address: a
 * network address is found by its keyed hash, and stations are sealed as those that nobody has registered. What was
 * written is remembered, so that a packet costs a write only when it says something new.
 */
export class AddressBook implements AddressSink {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #names: TextHash;
  readonly #dayKeys: DayKeys;
  readonly #packr = new Packr({ useRecords: false });
  readonly #batcher: Batcher<Item>;
  readonly #keys = shardKeys(0);
  readonly #written: WrittenHolds;
  /** Whether sessions here name addresses at all; where they don't, their ends end nothing. */
  #sessionsNameAddresses = false;
  #failing = false;

  constructor({ redis, clock, logger, deriveKey }: AddressBookPorts) {
    this.#redis = redis;
    this.#clock = clock;
    this.#logger = logger;
    this.#names = new TextHash(deriveKey('address book'));
    this.#written = new WrittenHolds(deriveKey('written addresses'));
    this.#dayKeys = new DayKeys(deriveKey, 'address-book-day');
    this.#batcher = new Batcher<Item>(
      async (items) => await this.#store(items),
      limits,
      (error) => logger.error({ err: error }, 'what follows the note of an address failed'),
    );
  }

  /** Asked with every observation: most say nothing that is not written already. */
  note({ station, ipAddress, ipAddressUntil, session, kind, sourceId, at }: Observation): void {
    if (station === undefined) return;
    if (session === undefined) {
      if (ipAddress === undefined) return;
      const hold = { sourceId, station, ipAddress, at, ...(ipAddressUntil !== undefined && { until: ipAddressUntil }) };
      if (kind === 'left') this.release(hold);
      else this.#hold(leaseLink(hold), hold, reportMs);
    } else if (kind === 'left') {
      if (ipAddress !== undefined) this.#sessionsNameAddresses = true;
      if (this.#sessionsNameAddresses) this.#end(session.key, station, at);
    } else if (ipAddress !== undefined) {
      this.#sessionsNameAddresses = true;
      this.#hold(session.key, { sourceId, station, ipAddress, at }, sessionMs);
    }
  }

  hold(hold: AddressHold): void {
    this.#hold(leaseLink(hold), hold, sessionMs);
  }

  release(hold: AddressHold): void {
    this.#end(leaseLink(hold), hold.station, hold.at);
  }

  /** Every station that has the address, as far as anybody has said; none when nobody has. */
  async find(address: IpAddress): Promise<readonly MacAddress[]> {
    const now = this.#clock.now();
    const name = this.#name(address);
    const holders = await asked('who has an address', this.#redis.hgetall(`${this.#keys.addresses}:${name}`));
    const found: MacAddress[] = [];
    for (const [station, value] of Object.entries(holders)) {
      const links = await asked('what a station has', this.#redis.hvals(`${this.#keys.addressHolders}:${station}`));
      const holds = links.some((link) => {
        const [until, , held] = link.split(' ');
        return held === name && Number(until) > now;
      });
      const opened = holds ? this.#open(value, station) : undefined;
      if (opened !== undefined) found.push(opened);
    }
    return found;
  }

  /** All that was said of a station is gone, here and in Redis; what is said from now on is noted as ever. */
  async forgetStation(station: MacAddress): Promise<void> {
    this.#written.forgetStation(station);
    await this.#batcher.drained();
    const holder = this.#name(station);
    const key = `${this.#keys.addressHolders}:${holder}`;
    const links = await asked('what a station has', this.#redis.hvals(key));
    const names = new Set(links.map((link) => link.split(' ')[2] ?? '').filter((name) => name !== ''));
    const forgotten = [...names].map((name) => this.#redis.hdel(`${this.#keys.addresses}:${name}`, holder));
    await asked('to forget a station', Promise.all([...forgotten, this.#redis.del(key)]));
  }

  /** Redis may have lost what was written: all that is told from now on is written again. */
  forgetWritten(): void {
    this.#written.clear();
  }

  async settled(): Promise<void> {
    await this.#batcher.drained();
  }

  /** `believedMs` is for how long, where nobody said until when. */
  #hold(link: string, { station, ipAddress, at, until }: AddressHold, believedMs: number): void {
    const content = `${until ?? ''} ${ipAddress}`;
    if (this.#written.isWritten({ link, station, content }, at)) return;
    const address = parseIpAddress(ipAddress);
    if (address === undefined) return;
    const now = this.#clock.now();
    const written = { link, station, content, refreshAt: at + Math.min(refreshMs, believedMs / 2) };
    this.#written.remember(written);
    const name = this.#name(address);
    const holder = this.#name(station);
    const sealed = this.#seal(station, holder, dayOf(now));
    const last = Math.min(until ?? at + believedMs, now + sessionMs);
    this.#add({
      remembered: written,
      holder: `${this.#keys.addressHolders}:${holder}`,
      holders: `${this.#keys.addresses}:${name}`,
      packed: [this.#name(link), at, last, name, holder, sealed],
    });
  }

  /** Kept as an end for a day, so that a report that was late does not bring it back. */
  #end(link: string, station: MacAddress, at: number): void {
    this.#written.forgetLink(link);
    const holder = this.#name(station);
    const key = `${this.#keys.addressHolders}:${holder}`;
    const packed = [this.#name(link), at, this.#clock.now() + sessionMs, '', holder, ''] as const;
    this.#add({ holder: key, holders: key, packed });
  }

  #add(item: Item): void {
    this.#batcher.add(item, (stored) => {
      if (!stored) this.#forget(item);
    });
  }

  /** It is not written after all; the next report that says the same tries again. */
  #forget({ remembered }: Item): void {
    if (remembered !== undefined) this.#written.forget(remembered);
  }

  #seal(station: MacAddress, holder: string, day: number): string {
    return `${day}.${seal(this.#dayKeys.key(day), Buffer.from(station), `${holder} ${day}`)}`;
  }

  async #store(items: readonly Item[]): Promise<boolean> {
    try {
      const keys = items.flatMap(({ holder, holders }) => [holder, holders]);
      const packed = this.#packr.pack(items.map((item) => item.packed));
      const late = (await noteAddressesScript.run(this.#redis, keys, [packed, mostKept])) as number[];
      // It was late, and the same may be news when it is said of a later moment.
      for (const index of late) this.#forget(items[index - 1] as Item);
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, 'who has which address cannot be noted; trying again');
      this.#failing = true;
      return false;
    }
  }

  /** Stands for an address, a station or a link. */
  #name(text: string): string {
    return toHashText(this.#names.digest(text));
  }

  /** Undefined when it was sealed under another master key. */
  #open(value: string, station: string): MacAddress | undefined {
    const [day = '', sealed = ''] = (value.split(' ')[1] ?? '').split('.');
    try {
      return open(this.#dayKeys.key(Number(day)), sealed, `${station} ${day}`).toString() as MacAddress;
    } catch {
      return undefined;
    }
  }
}

function leaseLink({ sourceId, station, ipAddress }: AddressHold): string {
  return `${sourceId} ${station} ${ipAddress}`;
}
