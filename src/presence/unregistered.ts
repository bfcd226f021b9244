import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { Packr } from 'msgpackr';
import { isLocallyAdministered, type MacAddress } from '../observation/mac-address.ts';
import type { Observation, RecordResult } from '../observation/observation.ts';
import type { Redis } from '../redis/connect.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { Batcher } from './batcher.ts';
import { shardKeys } from './keys.ts';
import { noteUnregisteredScript } from './scripts.ts';
import { sessionNumber } from './sighting.ts';

const dayMs = 86_400_000;
const keepMs = dayMs;
const mostStations = 100_000;
const mostCached = 50_000;
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
  /** Whether its last session is over. */
  readonly left: boolean;
  /** Its last session and that session's counters, as a sighting has them. */
  readonly session: number;
  readonly octets: number;
};

type Details = {
  readonly spaceId: string;
  readonly sourceId: string;
  /** The address, sealed under the key of the day on which it was seen. */
  readonly sealed: string;
  readonly accessPoint: string | null;
  readonly ssid: string | null;
};

type PackedStation = [id: string, at: number, session: number, octets: number, left: boolean, details: string];
type Stored = [
  firstSeenAt: number,
  lastSeenAt: number,
  session: number,
  octets: number,
  details: string,
  left: boolean,
  reportAt: number,
];

/**
 * Devices that nobody has registered: known for a day, in Redis only, their addresses sealed under a key that is
 * derived anew each day from the master key, so that what was forgotten stays forgotten.
 */
export class UnregisteredStations {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #deriveKey: (purpose: string) => Buffer;
  readonly #idKey: Buffer;
  readonly #packr = new Packr({ useRecords: false, int64AsType: 'number' });
  readonly #batcher: Batcher<PackedStation>;
  readonly #keys = shardKeys(0);
  /** Pays for the hash and the seal once per station and day, not once per packet. */
  readonly #cache = new Map<string, { readonly id: string; readonly sealed: string; readonly day: number }>();

  /** `deriveKey` gives 32 bytes for a purpose, always the same ones for the same master key. */
  constructor(redis: Redis, clock: Clock, logger: Logger, deriveKey: (purpose: string) => Buffer) {
    this.#redis = redis;
    this.#clock = clock;
    this.#logger = logger;
    this.#deriveKey = deriveKey;
    this.#idKey = deriveKey('unregistered-id');
    this.#batcher = new Batcher<PackedStation>(
      async (stations) => await this.#store(stations),
      limits,
      (error) => logger.error({ err: error }, 'what follows an observation failed'),
    );
  }

  /** Notes an observation of a station that resolves to nobody. */
  note(observation: Observation, station: MacAddress, done: (result: RecordResult) => void): void {
    const { id, sealed } = this.#sealed(observation.spaceId, station);
    const details: Details = {
      spaceId: observation.spaceId,
      sourceId: observation.sourceId,
      sealed,
      accessPoint: observation.accessPoint ?? null,
      ssid: observation.ssid ?? null,
    };
    const { session } = observation;
    const packed: PackedStation = [
      id,
      observation.at,
      session === undefined ? 0 : sessionNumber(session.key),
      session?.octets ?? -1,
      observation.kind === 'left',
      JSON.stringify(details),
    ];
    this.#batcher.add(packed, (stored) => done(stored ? 'recorded' : 'notRecorded'));
  }

  /** Whoever was seen within a day, most recently seen first. */
  async list(spaceId: string, limit: number): Promise<UnregisteredStation[]> {
    const since = this.#clock.now() - keepMs;
    const found: UnregisteredStation[] = [];
    for (let offset = 0; found.length < limit; offset += 500) {
      const ids = await this.#redis.zrevrangebyscore(this.#keys.unregisteredSeen, '+inf', since, 'LIMIT', offset, 500);
      if (ids.length === 0) break;
      const stored = await this.#redis.hmgetBuffer(this.#keys.unregistered, ...ids);
      ids.forEach((id, index) => {
        const packed = stored[index];
        const station = packed ? this.#open(id, packed) : undefined;
        if (station?.spaceId === spaceId && found.length < limit) found.push(station);
      });
    }
    return found;
  }

  async get(id: string): Promise<UnregisteredStation | undefined> {
    const packed = await this.#redis.hgetBuffer(this.#keys.unregistered, id);
    const station = packed === null ? undefined : this.#open(id, packed);
    return station !== undefined && station.lastSeenAt >= this.#clock.now() - keepMs ? station : undefined;
  }

  /** What is known of an address in a space. */
  async find(spaceId: string, station: MacAddress): Promise<UnregisteredStation | undefined> {
    return await this.get(this.#id(spaceId, station));
  }

  async forget(id: string): Promise<void> {
    await this.#redis.multi().hdel(this.#keys.unregistered, id).zrem(this.#keys.unregisteredSeen, id).exec();
  }

  async settled(): Promise<void> {
    await this.#batcher.drained();
  }

  async #store(stations: PackedStation[]): Promise<boolean> {
    try {
      const reply = await noteUnregisteredScript.run(
        this.#redis,
        [this.#keys.unregistered, this.#keys.unregisteredSeen],
        [this.#packr.pack(stations), keepMs, mostStations],
      );
      return reply === 'ok';
    } catch (error) {
      this.#logger.debug({ err: error }, 'unregistered stations cannot be noted');
      return false;
    }
  }

  #id(spaceId: string, station: MacAddress): string {
    return createHmac('sha256', this.#idKey).update(`${spaceId}|${station}`).digest('base64url').slice(0, 22);
  }

  #sealed(spaceId: string, station: MacAddress): { readonly id: string; readonly sealed: string } {
    const day = Math.floor(this.#clock.now() / dayMs);
    const name = `${spaceId}|${station}`;
    const cached = this.#cache.get(name);
    if (cached?.day === day) return cached;
    const sealed = { id: this.#id(spaceId, station), sealed: seal(this.#dayKey(day), day, station), day };
    if (this.#cache.size >= mostCached) this.#cache.clear();
    this.#cache.set(name, sealed);
    return sealed;
  }

  #open(id: string, packed: Buffer): UnregisteredStation | undefined {
    const [firstSeenAt, lastSeenAt, session, octets, json, left] = this.#packr.unpack(packed) as Stored;
    const { spaceId, sourceId, sealed, accessPoint, ssid } = JSON.parse(json) as Details;
    const station = open((day) => this.#dayKey(day), sealed);
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
      left,
      session,
      octets,
    };
  }

  #dayKey(day: number): Buffer {
    return this.#deriveKey(`unregistered-day-${day}`);
  }
}

/** AES-256-GCM; the day stands in front, and is authenticated with the text. */
function seal(key: Buffer, day: number, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(String(day)));
  const body = Buffer.concat([nonce, cipher.update(text), cipher.final()]);
  return `${day}.${Buffer.concat([body, cipher.getAuthTag()]).toString('base64url')}`;
}

function open(dayKey: (day: number) => Buffer, sealed: string): MacAddress | undefined {
  const dot = sealed.indexOf('.');
  const day = Number(sealed.slice(0, dot));
  const body = Buffer.from(sealed.slice(dot + 1), 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', dayKey(day), body.subarray(0, 12))
    .setAAD(Buffer.from(String(day)))
    .setAuthTag(body.subarray(-16));
  try {
    return Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]).toString() as MacAddress;
  } catch {
    return undefined;
  }
}
