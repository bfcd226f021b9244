import type { Relinked } from '../identity/device-linker.ts';
import type { VisitEnd } from '../presence/transition.ts';
import type { CheckIn } from './check-in.ts';

/** The types of events that exist in this version (interface.md, Events). */
export const eventTypes = [
  'presence.arrived',
  'presence.departed',
  'checkin.recorded',
  'checkin.failed',
  'checkin.corrected',
  'checkin.voided',
  'checkout.recorded',
  'device.conflict',
  'device.relinked',
  'customer.erased',
  'source.down',
  'source.up',
  'clock.stepped',
] as const;
export type EventType = (typeof eventTypes)[number];

/** The visit, as the network saw it. */
export type PresenceEventData = {
  readonly visitId: string;
  readonly customerId: string;
  readonly spaceId: string;
  readonly arrivedAt: number;
  readonly lastActivityAt: number;
  readonly detectedAt: number;
  readonly reason: VisitEnd | null;
};

/** Something that tells us who is here has gone silent, or is heard again. */
export type SourceEventData = {
  readonly sourceId: string;
  readonly spaceId: string;
  /** The NAS, where only that one is meant; null for the whole source. */
  readonly nas: string | null;
  /** Since when it is, or was, silent. */
  readonly since: number;
  /** One sentence for the person who can mend it. */
  readonly problem: string | null;
};

/** One address speaks for more than one place or person. */
export type ConflictEventData = {
  readonly customerId: string;
  /** Null where no network has to do with it. */
  readonly spaceId: string | null;
  readonly deviceId: string;
  /**
   * `twoPlaces`: it is active at two access points at once. `twoCustomers`: it is registered to one customer, and the network
   * authenticated another; it counts for `customerId`, which is one of them. `claim`: another customer wanted to register it.
   */
  readonly kind: 'twoPlaces' | 'twoCustomers' | 'claim';
  readonly accessPoints: readonly string[];
  /** Of two customers; `deviceId` is the device of the first. */
  readonly registeredTo: string | null;
  readonly authenticatedAs: string | null;
  /** Who wanted to register it. */
  readonly claimedBy: string | null;
};

/** The device has gone on to another address, is back at an earlier one, or is not the one that it was taken for. */
export type RelinkedEventData = Relinked;
/**
 * Somebody was erased. `customerId` is null where the id itself had to go; then `idSha256` is the SHA-256 of `idSalt`
 * followed by the id, both as text, in hexadecimal digits.
 */
export type ErasedEventData = {
  readonly customerId: string | null;
  readonly idSalt: string | null;
  readonly idSha256: string | null;
};

/** The clock was set: forward when `jumpMs` is positive. */
export type ClockEventData = { readonly jumpMs: number };

/** An event that is about to be appended; the ledger gives it its id and its sequence. */
export type EventDraft = {
  /** When it was decided, epoch milliseconds. */
  readonly at: number;
  /** Given where a repeat must find the first one; made up otherwise. */
  readonly id?: string;
} & (
  | { readonly type: 'presence.arrived' | 'presence.departed'; readonly data: PresenceEventData }
  | {
      readonly type: 'checkin.recorded' | 'checkin.failed' | 'checkin.corrected' | 'checkout.recorded';
      readonly data: CheckIn;
    }
  | { readonly type: 'source.down' | 'source.up'; readonly data: SourceEventData }
  | { readonly type: 'device.conflict'; readonly data: ConflictEventData }
  | { readonly type: 'device.relinked'; readonly data: RelinkedEventData }
  | { readonly type: 'clock.stepped'; readonly data: ClockEventData }
  | { readonly type: 'customer.erased'; readonly data: ErasedEventData }
  | { readonly type: 'checkin.voided'; readonly data: CheckIn & { readonly voidReason: string } }
);

/** An event as it is stored: `id` is stable for ever, `sequence` has no gaps. */
export type LedgerEvent = EventDraft & { readonly id: string; readonly sequence: number };
