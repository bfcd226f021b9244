import { describe, expect, test } from 'vitest';
import { formatLength, formatTimeOfDay, instantOf, minuteAt } from '../../src/demo/time-of-day.ts';

const day = { beganAt: 1_700_000_000_000, opensAt: 480, speed: 60 };

describe('time at the venue', () => {
  test('passes as many times faster as the speed says', () => {
    expect(minuteAt(day, day.beganAt + 10_000)).toBe(490);
    expect(instantOf(day, 490)).toBe(day.beganAt + 10_000);
  });

  test('is written as people say it', () => {
    expect(formatTimeOfDay(485.9)).toBe('08:05');
    expect(formatTimeOfDay(24 * 60 + 5)).toBe('00:05');
    expect(formatLength(35.2)).toBe('35 min');
    expect(formatLength(250)).toBe('4 h 10 min');
  });
});
