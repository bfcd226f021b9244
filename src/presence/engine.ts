import { Packr } from 'msgpackr';
import type { Resolution } from '../identity/directory-index.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { Observation, ObservationSink, RecordResult } from '../observation/observation.ts';
import type { Redis } from '../redis/connect.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { Batcher } from './batcher.ts';
import { presenceMember, shardKeys, shardOf, type ShardKeys } from './keys.ts';
import { observeScript } from './scripts.ts';
import { packAdoption, packSighting, type PackedSighting, type SessionNumbers } from './sighting.ts';
import type { UnregisteredStations } from './unregistered.ts';

/** What the engine must know of a space. */
export type SpaceTiming = {
  readonly id: string;
  readonly idleTimeout: number;
  readonly settle: number;
  /** Whether an observation from this SSID counts; an unknown SSID does. */
  counts(ssid: string | undefined): boolean;
};

export type IgnoredReason = 'unknownSpace' | 'otherSsid' | 'notOptedIn' | 'nobody';

export type EnginePorts = {
  readonly redis: Redis;
  readonly shards: number;
  readonly logger: Logger;
  readonly space: (id: string) => SpaceTiming | undefined;
  readonly resolve: (
    station: MacAddress | undefined,
    identities: readonly string[] | undefined,
  ) => Resolution | undefined;
  readonly unregistered: UnregisteredStations;
  /** A text that no other call on any node has returned. */
  readonly uniqueText: () => string;
  readonly maxBacklog: number;
  readonly sessionNumber: SessionNumbers;
  /** How far back late evidence may move an arrival, milliseconds. */
  readonly lateWindow: number;
  readonly onIgnored: (reason: IgnoredReason) => void;
  /** How long a batch took to become durable, seconds. */
  readonly onStored: (seconds: number) => void;
  readonly clock: Clock;
};

const limits = { maxBatch: 256, maxInFlight: 2, maxQueued: 20_000 };

/**
 * Turns observations into presence: finds the owner in memory, and merges the sighting into Redis together with many
 * others. It answers `recorded` only after Redis has, which with `appendfsync always` is after the disk has.
 */
export class PresenceEngine implements ObservationSink {
  readonly #ports: EnginePorts;
  readonly #batchers: readonly Batcher<PackedSighting>[];
  readonly #packr = new Packr({ useRecords: false });
  #failing = false;

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    this.#batchers = Array.from({ length: ports.shards }, (_, shard) => {
      const keys = shardKeys(shard);
      return new Batcher<PackedSighting>(
        async (sightings) => await this.#store(keys, sightings),
        limits,
        (error) => ports.logger.error({ err: error }, 'what follows an observation failed'),
      );
    });
  }

  observe(observation: Observation, done: (result: RecordResult) => void): void {
    const { space, resolve, unregistered } = this.#ports;
    const timing = space(observation.spaceId);
    if (timing === undefined) {
      this.#ignore('unknownSpace', done);
      return;
    }
    if (!timing.counts(observation.ssid)) {
      this.#ignore('otherSsid', done);
      return;
    }
    const owner = resolve(observation.station, observation.identities);
    if (owner === undefined) {
      if (observation.station === undefined) this.#ignore('nobody', done);
      else unregistered.note(observation, observation.station, done);
      return;
    }
    if (!owner.optedIn) {
      this.#ignore('notOptedIn', done);
      return;
    }
    if (observation.station !== undefined && unregistered.size > 0)
      unregistered.noteKnown(timing.id, observation.station);
    const member = presenceMember(timing.id, owner.customerId);
    this.#add(owner, packSighting(member, owner.deviceId, observation, timing, this.#ports), done);
  }

  /** Takes a station that has just been registered as being here from `at` on. */
  adopt(
    spaceId: string,
    station: MacAddress,
    seen: { readonly session: number; readonly octets: number },
    at: number,
    done: (result: RecordResult) => void,
  ): void {
    const timing = this.#ports.space(spaceId);
    const owner = this.#ports.resolve(station, undefined);
    if (timing === undefined || owner === undefined) this.#ignore(timing ? 'nobody' : 'unknownSpace', done);
    else if (!owner.optedIn) this.#ignore('notOptedIn', done);
    else {
      const member = presenceMember(timing.id, owner.customerId);
      this.#add(owner, packAdoption(member, owner.deviceId, seen, at, timing), done);
    }
  }

  /** Resolves when every observation that was taken has had its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#batchers.map((batcher) => batcher.drained()));
  }

  #add(owner: Resolution, sighting: PackedSighting, done: (result: RecordResult) => void): void {
    const batcher = this.#batchers[shardOf(owner.customerId, this.#ports.shards)] as Batcher<PackedSighting>;
    batcher.add(sighting, (stored) => done(stored ? 'recorded' : 'notRecorded'));
  }

  #ignore(reason: IgnoredReason, done: (result: RecordResult) => void): void {
    this.#ports.onIgnored(reason);
    done('ignored');
  }

  async #store(keys: ShardKeys, sightings: PackedSighting[]): Promise<boolean> {
    const { redis, uniqueText, maxBacklog, clock, onStored } = this.#ports;
    const began = clock.monotonic();
    try {
      const reply = await observeScript.run(
        redis,
        [keys.presence, keys.due, keys.transitions],
        [this.#packr.pack(sightings), uniqueText(), maxBacklog],
      );
      const stored = reply === 'ok';
      if (stored) onStored((clock.monotonic() - began) / 1000);
      this.#report(stored, 'the ledger is too far behind');
      return stored;
    } catch (error) {
      this.#report(false, error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** One line when recording begins to fail and one when it works again, however many packets come between. */
  #report(stored: boolean, why: string): void {
    const { logger } = this.#ports;
    if (!stored && !this.#failing) logger.error({ why }, 'observations cannot be recorded and go unanswered');
    if (stored && this.#failing) logger.info('observations are recorded again');
    this.#failing = !stored;
  }
}
