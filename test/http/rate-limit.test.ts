import { expect, test } from 'vitest';
import { createRateLimit } from '../../src/http/rate-limit.ts';
import { FixedClock } from './fixed-clock.ts';

const rate = { perSecond: 2, burst: 3 };

test('a burst is let through, and what comes after it is told how long to wait', () => {
  const limit = createRateLimit(new FixedClock());
  expect([1, 2, 3].map(() => limit('a', rate))).toEqual([0, 0, 0]);
  expect(limit('a', rate)).toBe(500);
});

test('the bucket fills again with time, up to the burst', () => {
  const clock = new FixedClock();
  const limit = createRateLimit(clock);
  for (let i = 0; i < 4; i += 1) limit('a', rate);
  clock.pass(500);
  expect(limit('a', rate)).toBe(0);
  expect(limit('a', rate)).toBeGreaterThan(0);
  clock.pass(3_600_000);
  expect([1, 2, 3, 4].map(() => limit('a', rate) === 0)).toEqual([true, true, true, false]);
});

test('keys do not share their buckets', () => {
  const limit = createRateLimit(new FixedClock());
  for (let i = 0; i < 4; i += 1) limit('a', rate);
  expect(limit('b', rate)).toBe(0);
});

test('a refused call does not lengthen the wait', () => {
  const limit = createRateLimit(new FixedClock());
  for (let i = 0; i < 10; i += 1) limit('a', rate);
  expect(limit('a', rate)).toBe(500);
});

test('no more keys are remembered than the capacity, and the one idle longest is forgotten first', () => {
  const limit = createRateLimit(new FixedClock(), 2);
  const once = { perSecond: 1, burst: 1 };
  limit('a', once);
  limit('b', once);
  limit('a', once);
  limit('c', once);
  expect(limit('a', once)).toBeGreaterThan(0);
  expect(limit('b', once)).toBe(0);
});
