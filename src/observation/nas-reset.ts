import type { RecordResult } from './observation.ts';

/**
 * A NAS said that all of its accounting sessions are over (RFC 2866, section 5.1, Accounting-On and Accounting-Off).
 * Nobody walked out: after the restart of an access point its stations are back within seconds.
 */
export type NasReset = {
  readonly sourceId: string;
  readonly spaceId: string;
  /** As `nasOfSession` gives it for the sessions that are over. */
  readonly nasKey: string;
  readonly kind: 'on' | 'off';
  /** When it happened, epoch milliseconds, clamped to what is possible. */
  readonly at: number;
  /** How often its stations were said to report, milliseconds, as `Observation.reportingInterval`. */
  readonly reportingInterval?: number;
  /** Given when only this one of the NAS's access points restarted: hostapd reports each BSS by itself. */
  readonly accessPoint?: string;
};

/** Where resets go. `done` is called exactly once, as for an observation. */
export interface NasResetSink {
  reset(reset: NasReset, done: (result: RecordResult) => void): void;
}
