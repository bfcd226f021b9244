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
  readonly reason: 'idle' | null;
};

/** An event that is about to be appended; the ledger gives it its id and its sequence. */
export type EventDraft = {
  /** When it was decided, epoch milliseconds. */
  readonly at: number;
} & (
  | { readonly type: 'presence.arrived' | 'presence.departed'; readonly data: PresenceEventData }
  | {
      readonly type: 'checkin.recorded' | 'checkin.failed' | 'checkin.corrected' | 'checkout.recorded';
      readonly data: CheckIn;
    }
  | { readonly type: 'checkin.voided'; readonly data: CheckIn & { readonly voidReason: string } }
);

/** An event as it is stored: `id` is stable for ever, `sequence` has no gaps. */
export type LedgerEvent = EventDraft & { readonly id: string; readonly sequence: number };
