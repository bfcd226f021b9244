import { expect, test } from 'vitest';
import { NasClocks } from '../../../src/sources/radius/nas-clocks.ts';

const now = 1_795_000_000_000;
const minute = 60_000;
const hour = 60 * minute;

/** A report each half minute for `minutes`, all late by the same. */
function reports(clocks: NasClocks, from: number, minutes: number, late: number): void {
  for (let at = from; at <= from + minutes * minute; at += minute / 2) clocks.note('ap', at - late, at);
}

test('a clock that is an hour behind for minutes is set right from then on', () => {
  const clocks = new NasClocks();
  reports(clocks, now, 1, hour);
  expect(clocks.offset('ap')).toBe(0);
  reports(clocks, now, 3, hour);
  expect(clocks.offset('ap')).toBe(hour);
});

test('a clock that is right again is believed again', () => {
  const clocks = new NasClocks();
  reports(clocks, now, 3, hour);
  reports(clocks, now + hour, 3, 0);
  expect(clocks.offset('ap')).toBe(0);
});

test('a queue of reports, each late by another time, says nothing of the clock', () => {
  const clocks = new NasClocks();
  for (let n = 0; n < 100; n += 1) clocks.note('ap', now - hour + n * minute, now + n * 5_000);
  expect(clocks.offset('ap')).toBe(0);
});

test('one report that is on time shows that the others were only late', () => {
  const clocks = new NasClocks();
  for (let at = now; at < now + 10 * minute; at += minute) {
    clocks.note('ap', at - hour, at);
    clocks.note('ap', at, at);
  }
  expect(clocks.offset('ap')).toBe(0);
});

test('when our own clock is set, every access point is off by as much at once', () => {
  let steppedBy = 0;
  const clocks = new NasClocks(() => steppedBy);
  clocks.noteRight('ap');
  steppedBy = hour;
  expect(clocks.offset('ap')).toBe(hour);
  steppedBy = 0;
  expect(clocks.offset('ap')).toBe(0);
});

test('an access point that restarts begins anew', () => {
  const clocks = new NasClocks();
  reports(clocks, now, 3, hour);
  clocks.forget('ap');
  expect(clocks.offset('ap')).toBe(0);
});
