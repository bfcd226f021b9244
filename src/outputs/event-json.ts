import type { CheckIn } from '../checkins/check-in.ts';
import type { EventType, LedgerEvent } from '../checkins/event.ts';

/** An event as consumers see it (interface.md, Events). */
export type EventJson = {
  readonly id: string;
  readonly sequence: number;
  readonly type: EventType;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** A check-in as the API and the events show it: instants as ISO 8601, devices by id. */
export function toCheckInJson(checkIn: CheckIn) {
  const { visitId: _visit, deviceIds, startedAt, endedAt, lastActivityAt, detectedAt, ...rest } = checkIn;
  return {
    ...rest,
    startedAt: toIso(startedAt),
    endedAt: toIso(endedAt),
    lastActivityAt: toIso(lastActivityAt),
    detectedAt: toIso(detectedAt),
    devices: deviceIds,
  };
}

/** `customerName` is joined when an event is shown and never stored in it, so that erasing a person erases the name. */
export function toEventJson(event: LedgerEvent, customerName: string | null): EventJson {
  return {
    id: event.id,
    sequence: event.sequence,
    type: event.type,
    timestamp: toIso(event.at),
    data:
      'customerId' in event.data && event.type !== 'customer.erased'
        ? { ...dataJson(event), customerName }
        : dataJson(event),
  };
}

function dataJson(event: LedgerEvent): Record<string, unknown> {
  switch (event.type) {
    case 'presence.arrived':
    case 'presence.departed': {
      const { arrivedAt, lastActivityAt, detectedAt, ...rest } = event.data;
      return {
        ...rest,
        arrivedAt: toIso(arrivedAt),
        lastActivityAt: toIso(lastActivityAt),
        detectedAt: toIso(detectedAt),
      };
    }
    case 'source.down':
    case 'source.up':
      return { ...event.data, since: toIso(event.data.since) };
    case 'customer.erased':
    case 'clock.stepped':
    case 'device.conflict':
    case 'device.relinked':
      return { ...event.data };
    case 'checkin.recorded':
    case 'checkin.failed':
    case 'checkin.corrected':
    case 'checkin.voided':
    case 'checkout.recorded':
      return toCheckInJson(event.data);
    default:
      return event satisfies never;
  }
}

function toIso(at: number): string;
function toIso(at: number | null): string | null;
function toIso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
