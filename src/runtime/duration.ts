const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const unitNames = ['d', 'h', 'm', 's', 'ms'] as const;

/** `15m`, `90s`, `24h`, `250ms`, `7d` -> milliseconds; undefined for anything else, a bare number included. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]) * units[match[2] as keyof typeof units];
}

/** Milliseconds in the largest unit that gives a whole number: the inverse of `parseDuration`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  const unit = unitNames.find((name) => durationMs % units[name] === 0) ?? 'ms';
  return `${durationMs / units[unit]}${unit}`;
}
