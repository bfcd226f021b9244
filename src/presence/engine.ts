import { Packr } from 'msgpackr';
import type { Disputant, Resolution } from '../identity/directory-index.ts';
import type { Identity } from '../observation/identity.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { Observation, ObservationDone, ObservationSink, RecordResult } from '../observation/observation.ts';
import { replicated } from '../redis/replication.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { Batcher } from './batcher.ts';
import { presenceMember, shardOf } from './keys.ts';
import type { NasWatch } from './nas-watch.ts';
import type { RuleBook, SpaceTiming } from './rules.ts';
import { disputed, packAdoption, packSighting, type PackedSighting, type SightingOwner } from './sighting.ts';
import { PresenceLostError, type PresenceStore } from './store.ts';
import type { UnregisteredStations } from './unregistered.ts';
import type { TextNumbers } from './text-numbers.ts';

export type IgnoredReason = 'unknownSpace' | 'otherSsid' | 'notOptedIn' | 'nobody' | 'stationary';

export type EnginePorts = {
  /** One per shard. */
  readonly stores: readonly PresenceStore[];
  readonly rules: RuleBook;
  readonly watch: NasWatch;
  readonly logger: Logger;
  readonly space: (id: string) => SpaceTiming | undefined;
  readonly resolve: (
    station: MacAddress | undefined,
    identities: readonly Identity[] | undefined,
    spaceId: string,
  ) => Resolution | undefined;
  readonly unregistered: UnregisteredStations;
  /** Told of every report that finds an owner; a promise when it may soon find another device of theirs. */
  readonly onOwned?: (observation: Observation, owner: Resolution) => Promise<void> | undefined;
  readonly sessionNumber: TextNumbers;
  /** How far back late evidence may move an arrival, milliseconds. */
  readonly lateWindow: number;
  readonly onIgnored: (reason: IgnoredReason) => void;
  /** A NAS turned out to report more rarely than its silences were taken for: every node must know before more is decided. */
  readonly onLearned: () => Promise<void>;
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
    this.#batchers = ports.stores.map(
      (store) =>
        new Batcher<PackedSighting>(
          async (sightings) => await this.#store(store, sightings),
          limits,
          (error) => ports.logger.error({ err: error }, 'what follows an observation failed'),
        ),
    );
  }

  observe(observation: Observation, done: ObservationDone): void {
    const { space, resolve, watch, clock, sessionNumber } = this.#ports;
    const session = observation.session === undefined ? 0 : sessionNumber(observation.session.key);
    // Whoever it is about: an access point that reports anything can be heard.
    const nas = watch.hear(observation, session, clock.monotonic());
    const timing = space(observation.spaceId);
    if (timing === undefined) {
      this.#ignore('unknownSpace', done);
      return;
    }
    if (!timing.counts(observation.ssid)) {
      this.#ignore('otherSsid', done);
      return;
    }
    const owner = resolve(observation.station, observation.identities, timing.id);
    const isKept = owner !== undefined && isTracked(owner, observation.at);
    const settling = isKept ? this.#ports.onOwned?.(observation, owner) : undefined;
    if (settling === undefined) {
      this.#take(observation, owner, { timing, session, nas }, done);
      return;
    }
    const again = (): void => {
      const settled = resolve(observation.station, observation.identities, timing.id);
      this.#take(observation, settled, { timing, session, nas }, done);
    };
    settling.then(again, again);
  }

  /** `owner` is whose it is; `session` and `nas` are their numbers, 0 without one. */
  #take(
    observation: Observation,
    owner: Resolution | undefined,
    { timing, session, nas }: { readonly timing: SpaceTiming; readonly session: number; readonly nas: number },
    done: ObservationDone,
  ): void {
    const { unregistered } = this.#ports;
    if (owner === undefined) {
      if (observation.station === undefined) this.#ignore('nobody', done);
      else unregistered.note(observation, observation.station, done);
      return;
    }
    const { at } = observation;
    if (!isTracked(owner, at)) {
      this.#ignore('notOptedIn', done);
      return;
    }
    if (owner.deviceClass === 'stationary') {
      this.#ignore('stationary', done);
      return;
    }
    if (observation.station !== undefined && unregistered.size > 0)
      unregistered.noteKnown(timing.id, observation.station);
    const { lateWindow } = this.#ports;
    const { registeredTo, authenticatedAs, trackedSince } = owner;
    const isSpokenOf = (other: Disputant | undefined): other is Disputant =>
      other !== undefined && at >= (other.trackedSince ?? 0);
    // A session that has lasted through a pause says nothing of the time before its end.
    const reach = trackedSince === undefined ? lateWindow : Math.min(lateWindow, at - trackedSince);
    const sighting = packSighting(this.#seen(owner, timing), observation, reach, session, nas);
    if (isSpokenOf(authenticatedAs)) {
      this.#add(owner, disputed(sighting, authenticatedAs, 'device'), done);
    } else if (isSpokenOf(registeredTo)) {
      this.#add(owner, disputed(sighting, registeredTo, 'identity'), done);
    } else {
      this.#add(owner, sighting, done);
    }
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
    const owner = this.#ports.resolve(station, undefined, spaceId);
    if (timing === undefined || owner === undefined) this.#ignore(timing ? 'nobody' : 'unknownSpace', done);
    else if (!isTracked(owner, at)) this.#ignore('notOptedIn', done);
    else if (owner.deviceClass === 'stationary') this.#ignore('stationary', done);
    else this.#add(owner, packAdoption(this.#seen(owner, timing), seen, at), done);
  }

  /** Resolves when every observation that was taken has had its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#batchers.map((batcher) => batcher.drained()));
  }

  #add(owner: Resolution, sighting: PackedSighting, done: (result: RecordResult) => void): void {
    const batcher = this.#batchers[shardOf(owner.customerId, this.#batchers.length)] as Batcher<PackedSighting>;
    batcher.add(sighting, (stored) => done(stored ? 'recorded' : 'notRecorded'));
  }

  #ignore(reason: IgnoredReason, done: ObservationDone): void {
    this.#ports.onIgnored(reason);
    done('ignored', reason);
  }

  #seen({ customerId, deviceId, deviceClass }: Resolution, { id }: SpaceTiming): SightingOwner {
    const rule = this.#ports.rules.number(id);
    return { member: presenceMember(id, customerId), deviceId, rule, isLaptop: deviceClass === 'laptop' };
  }

  async #store(store: PresenceStore, sightings: PackedSighting[]): Promise<boolean> {
    const { clock, rules, onStored } = this.#ports;
    const began = clock.monotonic();
    try {
      const write = () => store.observe(this.#packr.pack(sightings), rules.list);
      const [reply, isReplicated] = await replicated(store.redis, store.keys.presence, clock, write);
      const stored = reply !== 'full' && isReplicated;
      if (stored) onStored((clock.monotonic() - began) / 1000);
      if (typeof reply !== 'string') this.#learn(reply, sightings);
      this.#report(stored, isReplicated ? 'the ledger is too far behind' : 'no replica of Redis confirms them');
      return stored;
    } catch (error) {
      this.#report(false, error instanceof Error ? error.message : String(error), error instanceof PresenceLostError);
      return false;
    }
  }

  /** What was decided by too little patience is looked at again with the same sighting, which changes nothing else. */
  #learn(reply: readonly ['ok', ...number[]], sightings: readonly PackedSighting[]): void {
    const { watch, onLearned, logger, stores } = this.#ports;
    const again: PackedSighting[] = [];
    for (let i = 1; i + 3 < reply.length; i += 4) {
      const [nas = 0, pause = 0, kind = 0, index = 0] = reply.slice(i, i + 4) as number[];
      const sighting = sightings[index];
      if (sighting !== undefined && watch.notePause(nas, pause, kind, this.#ports.rules.idleTimeout(sighting[7]))) {
        again.push(sighting);
      }
    }
    if (again.length === 0) return;
    onLearned().then(
      () => {
        for (const sighting of again) {
          const customerId = sighting[0].slice(sighting[0].indexOf('|') + 1);
          this.#batchers[shardOf(customerId, stores.length)]?.add(sighting, () => undefined);
        }
      },
      (error: unknown) =>
        logger.warn({ err: error }, 'what was learned of an access point takes effect with its next report'),
    );
  }

  /** One line when recording begins to fail and one when it works again, however many packets come between. */
  #report(stored: boolean, why: string, isExpected = false): void {
    const { logger } = this.#ports;
    if (!stored && !this.#failing) {
      logger[isExpected ? 'warn' : 'error']({ why }, 'observations cannot be recorded and go unanswered');
    }
    if (stored && this.#failing) logger.info('observations are recorded again');
    this.#failing = !stored;
  }
}

/** Whether something may be kept of what was seen then. */
function isTracked({ optedIn, trackedSince }: Resolution, at: number): boolean {
  return optedIn && (trackedSince === undefined || at >= trackedSince);
}
