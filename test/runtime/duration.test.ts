import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/runtime/duration.ts';

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['90s', 90_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
])('%s is %i ms', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(['', '15', 'm', '-1s', '1.5h', '1h30m', '1 h', '1H', '9999999999s', '١s'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('what is printed is read as the same duration', () => {
  assert(
    property(integer({ min: 0, max: 999_999_999 }), (durationMs) => {
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    }),
  );
});
