import type { Identity } from './identity.ts';
import type { MacAddress } from './mac-address.ts';

/**
 * One fact from one source, owner unknown. Every source produces these and nothing else; nothing else crosses from
 * `sources/` to the rest.
 */
export type Observation = {
  readonly sourceId: string;
  readonly spaceId: string;
  /** `associated`: joined or still joined; `active`: was heard doing something; `left`: the source says that it is gone. */
  readonly kind: ObservationKind;
  /** When it happened at the station, epoch milliseconds, already clamped to what is possible. */
  readonly at: number;
  /** Absent when the source names only an identity. */
  readonly station?: MacAddress;
  /** Who was authenticated; absent when nobody was. Anonymous outer identities are left out. */
  readonly identities?: readonly Identity[];
  /** The network address that the station has, in canonical spelling, where the source knows it. */
  readonly ipAddress?: string;
  /** Until when it has that address, epoch milliseconds, where the source knows: the end of a lease. */
  readonly ipAddressUntil?: number;
  /** What the device calls itself (DHCP option 12). A hint for people, and never evidence. */
  readonly hostname?: string;
  /** The access point, as its MAC address or its name. */
  readonly accessPoint?: string;
  readonly ssid?: string;
  readonly session?: SessionReport;
  /** The NAS that reports it, as `nasKey` gives it; absent where the source itself is the reporter. */
  readonly nas?: string;
  /** How often that NAS sends interims, milliseconds, where somebody has said so. */
  readonly reportingInterval?: number;
};

export type ObservationKind = 'associated' | 'active' | 'left';

/** What an accounting session said about itself (RFC 2866). Only sources that have sessions give one. */
export type SessionReport = {
  /** Unique over all NASes: the NAS and its Acct-Session-Id, joined by `sessionKey`. */
  readonly key: string;
  readonly status: 'start' | 'interim' | 'stop';
  /** Octets in both directions since the session began; absent when the NAS sends no counters. */
  readonly octets?: number;
  /** Acct-Session-Time in milliseconds; absent when not sent. */
  readonly durationMs?: number;
};

/**
 * What became of an observation. Resolves only when the observation is durable, or when there is nothing to record;
 * `notRecorded` means that the sender must be left unanswered so that it repeats itself.
 */
export type RecordResult = 'recorded' | 'ignored' | 'notRecorded';

/** `reason` is why an observation was ignored, from a closed set; absent where the sink gives none. */
export type ObservationDone = (result: RecordResult, reason?: string) => void;

/** The way in to everything behind the sources. `done` is called exactly once per observation, in no particular order. */
export interface ObservationSink {
  observe(observation: Observation, done: ObservationDone): void;
}
