import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { Packr } from 'msgpackr';
import { open, seal } from '../identity/seal.ts';
import { isLocallyAdministered, type MacAddress } from '../observation/mac-address.ts';
import type { Observation, RecordResult } from '../observation/observation.ts';
import type { Redis } from '../redis/connect.ts';
import { asked } from '../redis/redis-error.ts';
import { replicated } from '../redis/replication.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { Batcher } from './batcher.ts';
import { DayKeys, dayOf } from './day-keys.ts';
import { shardKeys } from './keys.ts';
import { noteUnregisteredScript } from './scripts.ts';
import type { TextNumbers } from './text-numbers.ts';

const keepMs = 86_400_000;
const mostStations = 100_000;
const mostCached = 50_000;
/** Of a DHCP option, in octets (RFC 2132, section 2). */
const longestHostname = 255;
const limits = { maxBatch: 256, maxInFlight: 1, maxQueued: 5_000 };

/** A station that was seen in a space and belongs to nobody. Instants are epoch milliseconds. */
export type UnregisteredStation = {
  /** Opaque; says nothing about the address. */
  readonly id: string;
  readonly spaceId: string;
  readonly sourceId: string;
  readonly station: MacAddress;
  /** Whether the address is locally administered, as a phone's random address is. */
  readonly random: boolean;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly accessPoint: string | null;
  readonly ssid: string | null;
  /** What it last called itself; a hint for people, and never evidence. */
  readonly hostname: string | null;
  /** Whether its last session is over. */
  readonly left: boolean;
  /** Its last session and that session's counters, as a sighting has them. */
  readonly session: number;
  readonly octets: number;
};

type Details = {
  readonly spaceId: string;
  readonly sourceId: string;
  /** The address, sealed under the key of the day on which it was seen, and that day since 1970. */
  readonly sealed: string;
  readonly day: number;
  readonly accessPoint: string | null;
  readonly ssid: string | null;
};

type Sealed = {
  readonly id: string;
  readonly sealed: string;
  readonly day: number;
  /** What the station called itself last, as far as this node heard it, and the same as Redis has it. */
  hostname?: { readonly name: string; readonly sealed: string };
};
type PackedStation = [
  id: string,
  at: number,
  session: number,
  octets: number,
  left: boolean,
  details: string,
  hostname: string,
];
type Stored = [
  firstSeenAt: number,
  lastSeenAt: number,
  session: number,
  octets: number,
  details: string,
  left: boolean,
  reportAt: number,
  /** `day:sealed`, or empty. */
  hostname: string | undefined,
];

/**
 * Devices that nobody has registered: known for a day, in Redis only, their addresses sealed under a key that is
 * derived anew each day from the master key, which lies outside Redis.
 */
export class UnregisteredStations {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #idKey: KeyObject;
  readonly #sessionNumber: TextNumbers;
  readonly #packr = new Packr({ useRecords: false, int64AsType: 'number' });
  readonly #batcher: Batcher<PackedStation>;
  readonly #keys = shardKeys(0);
  /** Pays for the hash and the seal once per station and day, not once per packet. */
  readonly #cache = new Map<string, Sealed>();
  readonly #dayKeys: DayKeys;

  /** `deriveKey` gives 32 bytes for a purpose, always the same ones for the same master key. */
  constructor(
    redis: Redis,
    clock: Clock,
    logger: Logger,
    keys: { readonly deriveKey: (purpose: string) => Buffer; readonly sessionNumber: TextNumbers },
  ) {
    this.#redis = redis;
    this.#clock = clock;
    this.#logger = logger;
    this.#dayKeys = new DayKeys(keys.deriveKey, 'unregistered-day');
    this.#sessionNumber = keys.sessionNumber;
    this.#idKey = createSecretKey(keys.deriveKey('unregistered-id'));
    this.#batcher = new Batcher<PackedStation>(
      async (stations) => await this.#store(stations),
      limits,
      (error) => logger.error({ err: error }, 'what follows an observation failed'),
    );
  }

  /** Notes an observation of a station that resolves to nobody. */
  note(observation: Observation, station: MacAddress, done: (result: RecordResult) => void): void {
    const known = this.#sealed(observation.spaceId, station);
    const { id, sealed, day } = known;
    const details: Details = {
      spaceId: observation.spaceId,
      sourceId: observation.sourceId,
      sealed,
      day,
      accessPoint: observation.accessPoint ?? null,
      ssid: observation.ssid ?? null,
    };
    const { session } = observation;
    const packed: PackedStation = [
      id,
      observation.at,
      session === undefined ? 0 : this.#sessionNumber(session.key),
      session?.octets ?? -1,
      observation.kind === 'left',
      JSON.stringify(details),
      this.#sealHostname(known, observation.hostname),
    ];
    this.#batcher.add(packed, (stored) => done(stored ? 'recorded' : 'notRecorded'));
  }

  /** How many stations this node has noted lately; none for most, so that looking for one costs nothing. */
  get size(): number {
    return this.#cache.size;
  }

  /** A station turned out to be somebody's, through an identity that the network has authenticated. */
  noteKnown(spaceId: string, station: MacAddress): void {
    const cached = this.#cache.get(`${spaceId}|${station}`);
    if (cached === undefined) return;
    this.#cache.delete(`${spaceId}|${station}`);
    // Should this fail, it is forgotten within the day.
    this.forget(cached.id).catch(() => undefined);
  }

  /** Whoever was seen within a day, most recently seen first. */
  async list(spaceId: string, limit: number): Promise<UnregisteredStation[]> {
    const since = this.#clock.now() - keepMs;
    const found: UnregisteredStation[] = [];
    for (let offset = 0; found.length < limit; offset += 500) {
      const page = this.#redis.zrevrangebyscore(this.#keys.unregisteredSeen, '+inf', since, 'LIMIT', offset, 500);
      const ids = await asked('which stations belong to nobody', page);
      if (ids.length === 0) break;
      const stored = await asked(
        'stations that belong to nobody',
        this.#redis.hmgetBuffer(this.#keys.unregistered, ...ids),
      );
      ids.forEach((id, index) => {
        const packed = stored[index];
        const read = packed ? this.#read(packed) : undefined;
        if (read?.details.spaceId !== spaceId || found.length >= limit) return;
        const station = this.#open(id, read);
        if (station !== undefined) found.push(station);
      });
    }
    return found;
  }

  async get(id: string): Promise<UnregisteredStation | undefined> {
    const packed = await asked('a station that belongs to nobody', this.#redis.hgetBuffer(this.#keys.unregistered, id));
    const station = packed === null ? undefined : this.#open(id, this.#read(packed));
    return station !== undefined && station.lastSeenAt >= this.#clock.now() - keepMs ? station : undefined;
  }

  /** Which of the stations are on the list of a space; in one question, however many they are. */
  async known(spaceId: string, stations: readonly MacAddress[]): Promise<MacAddress[]> {
    const ids = stations.map((station) => this.#id(spaceId, station));
    if (ids.length === 0) return [];
    const seen = await asked('stations that belong to nobody', this.#redis.hmget(this.#keys.unregistered, ...ids));
    return stations.filter((_, index) => seen[index] !== null);
  }

  /** What is known of an address in a space. */
  async find(spaceId: string, station: MacAddress): Promise<UnregisteredStation | undefined> {
    return await this.get(this.#id(spaceId, station));
  }

  /** What is known of an address in a space, here and in Redis. */
  async forgetStation(spaceId: string, station: MacAddress): Promise<void> {
    this.#cache.delete(`${spaceId}|${station}`);
    await this.forget(this.#id(spaceId, station));
  }

  async forget(id: string): Promise<void> {
    await this.#redis.multi().hdel(this.#keys.unregistered, id).zrem(this.#keys.unregisteredSeen, id).exec();
  }

  async settled(): Promise<void> {
    await this.#batcher.drained();
  }

  async #store(stations: PackedStation[]): Promise<boolean> {
    try {
      const keys = [this.#keys.unregistered, this.#keys.unregisteredSeen];
      const args = [this.#packr.pack(stations), keepMs, mostStations];
      const write = () => noteUnregisteredScript.run(this.#redis, keys, args);
      const [reply, isReplicated] = await replicated(this.#redis, this.#keys.unregistered, this.#clock, write);
      return reply === 'ok' && isReplicated;
    } catch (error) {
      this.#logger.debug({ err: error }, 'unregistered stations cannot be noted');
      return false;
    }
  }

  #id(spaceId: string, station: MacAddress): string {
    return createHmac('sha256', this.#idKey).update(`${spaceId}|${station}`).digest('base64url').slice(0, 22);
  }

  #sealed(spaceId: string, station: MacAddress): Sealed {
    const day = dayOf(this.#clock.now());
    const name = `${spaceId}|${station}`;
    const cached = this.#cache.get(name);
    if (cached?.day === day) return cached;
    const sealed: Sealed = {
      id: this.#id(spaceId, station),
      sealed: seal(this.#dayKeys.key(day), Buffer.from(station), String(day)),
      day,
    };
    if (this.#cache.size >= mostCached) this.#cache.clear();
    this.#cache.set(name, sealed);
    return sealed;
  }

  /** A name such as "Mias-iPhone" says whose device it is, so it lies in Redis as the address does. */
  #sealHostname(known: Sealed, told: string | undefined): string {
    const name = told?.replaceAll(/\p{Cc}/gu, '').slice(0, longestHostname);
    if (name === undefined || name === '') return '';
    if (known.hostname?.name !== name) {
      const sealed = seal(this.#dayKeys.key(known.day), Buffer.from(name), `hostname ${known.id}`);
      known.hostname = { name, sealed: `${known.day}:${sealed}` };
    }
    return known.hostname.sealed;
  }

  #openHostname(id: string, stored: string | undefined): string | null {
    const [, day, sealed] = /^(\d+):(.+)$/.exec(stored ?? '') ?? [];
    // A key of a day is good for that day and the next; a name that nobody told again since then is not known any more.
    if (day === undefined || sealed === undefined || Number(day) < dayOf(this.#clock.now()) - 1) return null;
    return this.#unseal(sealed, Number(day), `hostname ${id}`) ?? null;
  }

  #read(packed: Buffer): { readonly stored: Stored; readonly details: Details } {
    const stored = this.#packr.unpack(packed) as Stored;
    return { stored, details: JSON.parse(stored[4]) as Details };
  }

  #open(
    id: string,
    { stored, details }: { readonly stored: Stored; readonly details: Details },
  ): UnregisteredStation | undefined {
    const [firstSeenAt, lastSeenAt, session, octets, , left, , hostname] = stored;
    const { spaceId, sourceId, sealed, day, accessPoint, ssid } = details;
    const station = this.#unseal(sealed, day, String(day)) as MacAddress | undefined;
    // Sealed under another master key: nobody can say whose it was, and it is forgotten within the day.
    if (station === undefined) return undefined;
    return {
      id,
      spaceId,
      sourceId,
      station,
      random: isLocallyAdministered(station),
      firstSeenAt,
      lastSeenAt,
      accessPoint,
      ssid,
      hostname: this.#openHostname(id, hostname),
      left,
      session,
      octets,
    };
  }

  #unseal(sealed: string, day: number, context: string): string | undefined {
    try {
      return open(this.#dayKeys.key(day), sealed, context).toString();
    } catch {
      return undefined;
    }
  }
}
