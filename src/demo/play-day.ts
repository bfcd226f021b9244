import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../runtime/clock.ts';
import type { Report } from './day.ts';
import type { Radio } from './radio.ts';
import { type DayClock, instantOf, minuteAt } from './time-of-day.ts';

export type Performance = {
  readonly reports: readonly Report[];
  readonly day: DayClock;
  /** Minute of the day at which it is over. */
  readonly until: number;
  readonly radio: Pick<Radio, 'send'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onTick: () => Promise<void>;
};

const STEP_MS = 50;
const TICK_MS = 1_000;

/** Sends every report of the day when its minute has come. */
export async function playDay({ reports, day, until, radio, clock, signal, onTick }: Performance): Promise<void> {
  let next = 0;
  let tickedAt = Number.NEGATIVE_INFINITY;
  for (let minute = day.opensAt; minute < until; minute = minuteAt(day, clock.now())) {
    for (let report = reports[next]; report !== undefined && report.at <= minute; report = reports[next]) {
      radio.send(toAccounting(report, day));
      next += 1;
    }
    if (clock.monotonic() - tickedAt >= TICK_MS) {
      tickedAt = clock.monotonic();
      await onTick();
    }
    await delay(STEP_MS, undefined, { signal });
  }
}

/** The service keeps real time, so what is said about times is said in real time too. */
function toAccounting(report: Report, day: DayClock): Parameters<Radio['send']>[0] {
  const { device, accessPoint, status, octets } = report;
  return {
    status,
    octets,
    mac: device.mac,
    sessionId: `${Math.round(day.beganAt).toString(16)}-${report.sessionId}`,
    ssid: device.class === 'laptop' ? 'Members-Secure' : 'Members',
    accessPoint: accessPoint.bssid,
    nasAddress: accessPoint.address,
    durationSeconds: Math.floor((instantOf(day, report.at) - instantOf(day, report.startedAt)) / 1_000),
    ...(device.userName === undefined ? {} : { userName: device.userName }),
  };
}
