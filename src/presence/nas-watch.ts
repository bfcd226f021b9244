import type { NasReset } from '../observation/nas-reset.ts';
import type { Observation } from '../observation/observation.ts';
import { sightingKinds } from './sighting.ts';
import type { TextNumbers } from './text-numbers.ts';

const mostNases = 10_000;
const mostPauses = 64;
/** More than the three that must be active for a silence to mean anything, as some of the latest heard will have left. */
const mostStations = 8;
/** Below this many pauses, only one that is longer than the idle timeout says anything. */
const fewestPauses = 3;

/** What is known of a NAS. Instants are milliseconds of the monotonic clock. */
type Nas = {
  readonly number: number;
  readonly key: string;
  readonly details: string;
  setInterval: number | undefined;
  /** The latest pauses between reports of a session, a ring. */
  readonly pauses: number[];
  taken: number;
  interims: number;
  sendsNone: boolean;
  cadence: number;
  heard: boolean;
  readonly stations: { session: number; at: number }[];
};

/** A NAS as lua/beat.lua takes it. */
export type PackedNas = readonly [
  number: number,
  cadence: number,
  isSet: boolean,
  sendsNone: boolean,
  stations: number,
  details: string,
];

/**
 * Learns how often each NAS reports, and notes which were heard. Until a NAS has shown otherwise, silence is idleness; pauses
 * that a session has lived through show how rarely its NAS reports.
 */
export class NasWatch {
  readonly #byKey = new Map<string, Nas>();
  readonly #byNumber = new Map<number, Nas>();
  readonly #learnedBefore = new Map<number, { readonly cadence: number; readonly sendsNone: boolean }>();
  readonly #numberOf: TextNumbers;

  /** `numberOf` gives the 53-bit number of a text, as for sessions. */
  constructor(numberOf: TextNumbers) {
    this.#numberOf = numberOf;
  }

  /** Notes that the observation's NAS was heard, and answers its number; 0 without a NAS. */
  hear(observation: Observation, session: number, now: number): number {
    if (observation.nas === undefined) return 0;
    const nas = this.#hear(observation.nas, observation);
    noteStation(nas, session, observation.kind === 'left' ? -Infinity : now);
    return nas.number;
  }

  /** A NAS that was heard without any station of it. */
  hearReset(reset: NasReset): { number: number; details: string } {
    return this.#hear(reset.nasKey, reset);
  }

  /**
   * Takes in a pause between two reports of a session, milliseconds. True when it shows that silences of this NAS mean less
   * than they were taken for, so that what was decided by the last one should be looked at again.
   */
  notePause(number: number, pause: number, kind: number, idleTimeout: number): boolean {
    const nas = this.#byNumber.get(number);
    if (nas === undefined || nas.setInterval !== undefined) return false;
    if (kind === sightingKinds.left) {
      if (pause <= idleTimeout || nas.interims > 0 || nas.cadence > 0 || nas.sendsNone) return false;
      nas.sendsNone = true;
      nas.heard = true;
      return true;
    }
    nas.interims += 1;
    const before = nas.sendsNone ? Infinity : nas.cadence;
    nas.sendsNone = false;
    nas.pauses[nas.taken % mostPauses] = pause;
    nas.taken += 1;
    if (pause <= idleTimeout && nas.taken < fewestPauses) return false;
    if (pause > idleTimeout || nas.taken % 8 === 0 || nas.cadence === 0) nas.cadence = percentile95(nas.pauses);
    return nas.cadence > idleTimeout && nas.cadence > before * 1.1;
  }

  /** What was learned of NASes before, by this node or another; for those of which this one knows nothing better. */
  recall(number: number, cadence: number, sendsNone: boolean): void {
    const nas = this.#byNumber.get(number);
    if (nas === undefined) {
      if (this.#learnedBefore.size < mostNases) this.#learnedBefore.set(number, { cadence, sendsNone });
    } else if (nas.taken < fewestPauses && nas.setInterval === undefined && !nas.sendsNone && nas.cadence === 0) {
      nas.cadence = cadence;
      nas.sendsNone = sendsNone;
    }
  }

  /** The NASes heard since the last call. */
  takeHeard(now: number): PackedNas[] {
    const heard: PackedNas[] = [];
    for (const nas of this.#byKey.values()) {
      if (!nas.heard) continue;
      nas.heard = false;
      const { number, setInterval, sendsNone, cadence, details } = nas;
      heard.push([
        number,
        setInterval ?? cadence,
        setInterval !== undefined,
        sendsNone,
        activeStations(nas, now),
        details,
      ]);
    }
    return heard;
  }

  /** They were not told after all. */
  returnHeard(heard: readonly PackedNas[]): void {
    for (const [number] of heard) {
      const nas = this.#byNumber.get(number);
      if (nas !== undefined) nas.heard = true;
    }
  }

  #hear(key: string, from: Pick<Observation, 'sourceId' | 'spaceId' | 'reportingInterval'>): Nas {
    const nas = this.#byKey.get(key) ?? this.#add(key, from);
    nas.setInterval = from.reportingInterval;
    nas.heard = true;
    return nas;
  }

  #add(key: string, { sourceId, spaceId }: Pick<Observation, 'sourceId' | 'spaceId'>): Nas {
    if (this.#byKey.size >= mostNases) {
      this.#byKey.clear();
      this.#byNumber.clear();
    }
    const number = this.#numberOf(key);
    const before = this.#learnedBefore.get(number);
    const nas: Nas = {
      number,
      key,
      details: JSON.stringify({ sourceId, spaceId, name: key.slice(key.indexOf('/') + 1) }),
      setInterval: undefined,
      pauses: [],
      taken: 0,
      interims: 0,
      sendsNone: before?.sendsNone ?? false,
      cadence: before?.cadence ?? 0,
      heard: false,
      stations: [],
    };
    this.#byKey.set(key, nas);
    this.#byNumber.set(number, nas);
    return nas;
  }
}

function noteStation({ stations }: Nas, session: number, at: number): void {
  let oldest = stations[0];
  for (const station of stations) {
    if (station.session === session) {
      station.at = at;
      return;
    }
    if (oldest === undefined || station.at < oldest.at) oldest = station;
  }
  if (at === -Infinity) return;
  if (stations.length < mostStations) stations.push({ session, at });
  else if (oldest !== undefined) {
    oldest.session = session;
    oldest.at = at;
  }
}

/** Stations that were active until now: whose last report is not older than two cadences. */
function activeStations({ stations, cadence, setInterval }: Nas, now: number): number {
  const within = 2.2 * (setInterval ?? cadence);
  return stations.filter(({ at }) => now - at <= within).length;
}

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
