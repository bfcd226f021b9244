/** Nothing is queued or replayed from so long ago without notice; a clock that was never set stands at its firmware's date. */
const unsetClockMs = 30 * 24 * 60 * 60_000;
/** Before this, a clock has begun at 1970 and was never set; no capture is that old. */
const earliestClockMs = Date.UTC(2001, 0, 1);
const clockTolerance = 5 * 60_000;

export type EventTime = {
  /** When it happened at the station, epoch milliseconds; never later than the arrival. */
  readonly at: number;
  /** Why what the NAS said about the time was not believed. */
  readonly doubt?: ClockDoubt;
  /** The packet is genuine and too old to be news: queued for too long, or replayed. */
  readonly replay?: boolean;
  /** The NAS's clock said so, and was right within the late window. */
  readonly clockIsRight?: boolean;
};

export type ClockDoubt = 'clockNotSet' | 'clockAhead' | 'delayTooLong';

/**
 * When an event happened. Event-Timestamp (RFC 2869, section 5.3) is believed first: it stays the same over retransmissions and
 * proxies, so that a late or repeated packet tells the same story. It counts whole seconds, and a NAS's clock may run a
 * little ahead of ours, so it is held back to the arrival. A clock that is plainly not set (a month back or more: it stands
 * at 1970 or at its firmware's date) or far ahead says nothing; then Acct-Delay-Time does, which needs no clock (RFC 2866,
 * section 5.2). Between the late window and a month it is a replay, and so is anything older from a NAS whose clock was right before
 * (`clockWasRight`): its clock is set, so the packet must be an old one. The late window is how long an access point may
 * have queued its reports during an outage and still be believed. A delay beyond the late window is a defect of the NAS rather than a time, so that the arrival stands.
 */
export function resolveEventTime(
  arrivedAt: number,
  eventTimestamp: number | undefined,
  acctDelayTime: number | undefined,
  { lateWindowMs, clockWasRight }: { readonly lateWindowMs: number; readonly clockWasRight: boolean },
): EventTime {
  let doubt: ClockDoubt | undefined;
  if (eventTimestamp !== undefined) {
    const claimedAt = eventTimestamp * 1000;
    const ageMs = arrivedAt - claimedAt;
    if (claimedAt < earliestClockMs || (ageMs > unsetClockMs && !clockWasRight)) doubt = 'clockNotSet';
    else if (ageMs > lateWindowMs) return { at: claimedAt, replay: true };
    else if (ageMs < -clockTolerance) doubt = 'clockAhead';
    else return { at: Math.min(claimedAt, arrivedAt), clockIsRight: true };
  }
  const delayMs = (acctDelayTime ?? 0) * 1000;
  if (delayMs > lateWindowMs) return { at: arrivedAt, doubt: doubt ?? 'delayTooLong' };
  return doubt === undefined ? { at: arrivedAt - delayMs } : { at: arrivedAt - delayMs, doubt };
}
