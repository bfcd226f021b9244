import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { WrittenHolds, type WrittenHold } from '../../src/presence/written-holds.ts';

let written: WrittenHolds;
beforeEach(() => {
  written = new WrittenHolds(randomBytes(32));
});

const hold = (link: string, more: Partial<WrittenHold> = {}): WrittenHold => {
  return { link, station: 'station', content: '192.0.2.1', refreshAt: 1_000, ...more };
};

test('a house of a hundred thousand sessions is remembered, and nothing that was not written', () => {
  const sessions = 100_000;
  for (let n = 0; n < sessions; n += 1) written.remember(hold(`session ${n}`, { content: `address ${n}` }));
  let known = 0;
  let mistaken = 0;
  for (let n = 0; n < sessions; n += 1) {
    if (written.isWritten(hold(`session ${n}`, { content: `address ${n}` }), 0)) known += 1;
    if (written.isWritten(hold(`session ${n}`, { content: `address ${n + 1}` }), 0)) mistaken += 1;
    if (written.isWritten(hold(`other ${n}`, { content: `address ${n}` }), 0)) mistaken += 1;
  }
  expect(mistaken).toBe(0);
  expect(known).toBeGreaterThan(0.99 * sessions);
});

test('another address, another station, or a late time is news', () => {
  written.remember(hold('session'));
  expect(written.isWritten(hold('session'), 999)).toBe(true);
  expect(written.isWritten(hold('session'), 1_000)).toBe(false);
  expect(written.isWritten(hold('session', { content: '192.0.2.2' }), 0)).toBe(false);
  expect(written.isWritten(hold('session', { station: 'another' }), 0)).toBe(false);
});

test('what could not be written is forgotten, unless it was written again since', () => {
  written.remember(hold('session'));
  written.remember(hold('session', { refreshAt: 2_000 }));
  written.forget(hold('session'));
  expect(written.isWritten(hold('session'), 0)).toBe(true);
  written.forget(hold('session', { refreshAt: 2_000 }));
  expect(written.isWritten(hold('session'), 0)).toBe(false);
});

test('a link, a station or all of them are forgotten', () => {
  const holds = [hold('one'), hold('two'), hold('three', { station: 'another' }), hold('four', { station: 'another' })];
  const known = () => holds.map((one) => written.isWritten(one, 0));
  for (const one of holds) written.remember(one);
  written.forgetLink('one');
  expect(known()).toEqual([false, true, true, true]);
  written.forgetStation('another');
  expect(known()).toEqual([false, true, false, false]);
  written.clear();
  expect(known()).toEqual([false, false, false, false]);
});
