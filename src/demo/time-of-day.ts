/** Where real time and the venue's day meet: `speed` minutes of the day pass in one real minute. */
export type DayClock = {
  /** Real instant, epoch milliseconds, at which it is `opensAt` at the venue. */
  readonly beganAt: number;
  readonly opensAt: number;
  readonly speed: number;
};

const MINUTE_MS = 60_000;

export function minuteAt(day: DayClock, instant: number): number {
  return day.opensAt + ((instant - day.beganAt) / MINUTE_MS) * day.speed;
}

export function instantOf(day: DayClock, minute: number): number {
  return day.beganAt + ((minute - day.opensAt) * MINUTE_MS) / day.speed;
}

/** `09:05`. */
export function formatTimeOfDay(minute: number): string {
  const whole = Math.max(0, Math.floor(minute));
  return `${twoDigits(Math.floor(whole / 60) % 24)}:${twoDigits(whole % 60)}`;
}

/** `35 min`, `4 h 10 min`. */
export function formatLength(minutes: number): string {
  const whole = Math.max(0, Math.round(minutes));
  return whole < 60 ? `${whole} min` : `${Math.floor(whole / 60)} h ${whole % 60} min`;
}

function twoDigits(n: number): string {
  return String(n).padStart(2, '0');
}
