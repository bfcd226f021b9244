/** Evidence older than this moves nothing; it is what an access point may have queued during an outage (`lateWindow`). */
export const lateWindowMs = 24 * 60 * 60_000;
const earliestClockMs = Date.UTC(2001, 0, 1);
const clockTolerance = 5 * 60_000;

export type EventTime = {
  /** When it happened at the station, epoch milliseconds; never later than the arrival. */
  readonly at: number;
  /** Why what the NAS said about the time was not believed. */
  readonly doubt?: ClockDoubt;
  /** The packet is genuine and too old to be news: queued for too long, replayed, or from a NAS with a wrong clock. */
  readonly replay?: boolean;
};

export type ClockDoubt = 'clockNotSet' | 'clockAhead' | 'delayTooLong';

/**
 * When an event happened. Event-Timestamp (RFC 2869, section 5.3) is believed first: it stays the same over retransmissions and
 * proxies, so that a late or repeated packet tells the same story. It counts whole seconds, and a NAS's clock may run a
 * little ahead of ours, so it is held back to the arrival. A clock that is plainly not set (before 2001: it began at 1970
 * or at a firmware's epoch) or far ahead says nothing; then Acct-Delay-Time does, which needs no clock (RFC 2866,
 * section 5.2). A delay beyond the late window is a defect of the NAS rather than a time, so that the arrival stands.
 */
export function resolveEventTime(
  arrivedAt: number,
  eventTimestamp: number | undefined,
  acctDelayTime: number | undefined,
): EventTime {
  let doubt: ClockDoubt | undefined;
  if (eventTimestamp !== undefined) {
    const claimedAt = eventTimestamp * 1000;
    if (claimedAt < earliestClockMs) doubt = 'clockNotSet';
    else if (claimedAt > arrivedAt + clockTolerance) doubt = 'clockAhead';
    else if (claimedAt < arrivedAt - lateWindowMs) return { at: claimedAt, replay: true };
    else return { at: Math.min(claimedAt, arrivedAt) };
  }
  const delayMs = (acctDelayTime ?? 0) * 1000;
  if (delayMs > lateWindowMs) return { at: arrivedAt, doubt: doubt ?? 'delayTooLong' };
  return doubt === undefined ? { at: arrivedAt - delayMs } : { at: arrivedAt - delayMs, doubt };
}
