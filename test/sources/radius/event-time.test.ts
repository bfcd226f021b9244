import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveEventTime as resolve } from '../../../src/sources/radius/event-time.ts';

const arrivedAt = Date.parse('2026-11-24T09:00:00.500Z');
const resolveEventTime = (arrived: number, timestamp?: number, delay?: number, clockWasRight = false) =>
  resolve(arrived, timestamp, delay, { lateWindowMs: 24 * 60 * 60_000, clockWasRight });
const seconds = (text: string): number => Date.parse(text) / 1000;

test('an Event-Timestamp is believed, and the delay beside it not counted twice', () => {
  expect(resolveEventTime(arrivedAt, seconds('2026-11-24T08:59:00Z'), 60)).toEqual({
    at: Date.parse('2026-11-24T08:59:00Z'),
    clockIsRight: true,
  });
});

test('a clock that runs a little ahead is held back to the arrival', () => {
  expect(resolveEventTime(arrivedAt, seconds('2026-11-24T09:04:00Z'), 0)).toEqual({
    at: arrivedAt,
    clockIsRight: true,
  });
});

test('without Event-Timestamp the delay counts back from the arrival', () => {
  expect(resolveEventTime(arrivedAt, undefined, 90)).toEqual({ at: arrivedAt - 90_000 });
  expect(resolveEventTime(arrivedAt, undefined, undefined)).toEqual({ at: arrivedAt });
});

test('a clock in 1970 says nothing', () => {
  expect(resolveEventTime(arrivedAt, 200, 5)).toEqual({ at: arrivedAt - 5000, doubt: 'clockNotSet' });
});

test('a clock that stands at the date of its firmware says nothing', () => {
  expect(resolveEventTime(arrivedAt, seconds('2026-10-01T00:00:00Z'), 5)).toEqual({
    at: arrivedAt - 5000,
    doubt: 'clockNotSet',
  });
});

test('a packet of last year from a NAS whose clock was right before is a replay', () => {
  expect(resolveEventTime(arrivedAt, seconds('2025-11-24T09:00:00Z'), 0, true)).toMatchObject({ replay: true });
});

test('a clock in 1970 says nothing, even where it was right before: an access point has restarted', () => {
  expect(resolveEventTime(arrivedAt, 50, 0, true)).toEqual({ at: arrivedAt, doubt: 'clockNotSet' });
});

test('a clock in 2099 says nothing', () => {
  expect(resolveEventTime(arrivedAt, seconds('2099-01-01T00:00:00Z'), 5)).toEqual({
    at: arrivedAt - 5000,
    doubt: 'clockAhead',
  });
});

test('a delay of 136 years is no delay', () => {
  expect(resolveEventTime(arrivedAt, undefined, 0xffff_ffff)).toEqual({ at: arrivedAt, doubt: 'delayTooLong' });
  expect(resolveEventTime(arrivedAt, 0, 0xffff_ffff)).toEqual({ at: arrivedAt, doubt: 'clockNotSet' });
});

test('what is more than a day old is a replay, and what is just younger is not', () => {
  expect(resolveEventTime(arrivedAt, seconds('2026-11-23T08:59:59Z'), 0)).toMatchObject({ replay: true });
  expect(resolveEventTime(arrivedAt, seconds('2026-11-23T09:00:01Z'), 0).replay).toBeUndefined();
});

test('whatever a packet says, nothing happens after its arrival, and nothing believed is older than a day', () => {
  const word = fc.option(fc.nat({ max: 0xffff_ffff }), { nil: undefined });
  const near = fc.integer({ min: -90_000, max: 1000 }).map((offset) => Math.floor(arrivedAt / 1000) + offset);
  fc.assert(
    fc.property(fc.oneof(word, near), word, (timestamp, delay) => {
      const time = resolveEventTime(arrivedAt, timestamp, delay);
      expect(time.at).toBeLessThanOrEqual(arrivedAt);
      expect(time.replay === true || time.at >= arrivedAt - 24 * 60 * 60_000).toBe(true);
    }),
  );
});
