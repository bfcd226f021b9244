import { describe, expect, test } from 'vitest';
import { createCast } from '../../src/demo/cast.ts';
import { CLOSES_AT, OPENS_AT, planDay } from '../../src/demo/day.ts';
import { createRandom } from '../../src/demo/random.ts';

const cast = createCast();
const day = planDay(cast, createRandom(1));

describe('a day at the venue', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(planDay(cast, createRandom(1))).toEqual(day);
    expect(planDay(cast, createRandom(2))).not.toEqual(day);
  });

  test('is told in order, between opening and closing', () => {
    const minutes = day.map(({ at }) => at);
    expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
    expect(minutes[0]).toBeGreaterThanOrEqual(OPENS_AT);
    expect(minutes.at(-1)).toBeLessThan(CLOSES_AT);
  });

  test('shows people within its first ten minutes', () => {
    const early = day.filter(({ at, status }) => at < OPENS_AT + 10 && status === 'start');
    expect(new Set(early.map(({ device }) => device.mac)).size).toBeGreaterThanOrEqual(4);
  });

  test.each([1, 2, 3, 4, 5])(
    'reports as access points do, with seed %i: a Start first, then octets that never shrink',
    (seed) => {
      const sessions = Map.groupBy(planDay(cast, createRandom(seed)), ({ sessionId }) => sessionId);
      for (const reports of sessions.values()) {
        expect(reports[0]?.status).toBe('start');
        expect(reports.filter(({ status }) => status === 'start')).toHaveLength(1);
        expect(reports.slice(0, -1).some(({ status }) => status === 'stop')).toBe(false);
        const octets = reports.map((report) => report.octets);
        expect(octets).toEqual(octets.toSorted((a, b) => a - b));
      }
    },
  );

  test('has people who roam, phones that sleep, and strangers who only pass by', () => {
    const sessionsOf = Map.groupBy(day, ({ device }) => device.mac);
    const accessPoints = [...sessionsOf.values()].map(
      (reports) => new Set(reports.map(({ accessPoint }) => accessPoint.name)).size,
    );
    expect(Math.max(...accessPoints)).toBeGreaterThan(1);
    const asleep = day.some(
      (report, index) =>
        report.status === 'interim' &&
        day.slice(index + 1).some((later) => later.sessionId === report.sessionId && later.octets === report.octets),
    );
    expect(asleep).toBe(true);
    const strangers = new Set(cast.strangers.map(({ mac }) => mac));
    expect(
      [...sessionsOf].filter(([mac, reports]) => strangers.has(mac) && reports.length === 1).length,
    ).toBeGreaterThan(5);
  });

  test('never lets a nap reach the idle timeout, since sleeping is not leaving', () => {
    const sessions = Map.groupBy(day, ({ sessionId }) => sessionId);
    for (const reports of sessions.values()) {
      const active = reports.filter(
        (report, index) => index === 0 || report.octets > (reports[index - 1]?.octets ?? 0),
      );
      const gaps = active.slice(1).map((report, index) => report.at - (active[index]?.at ?? report.at));
      expect(Math.max(0, ...gaps)).toBeLessThan(14);
    }
  });

  test('names every device once, all of them from the documentation range', () => {
    const devices = [...cast.members.flatMap((member) => member.devices), ...cast.strangers];
    const addresses = [...devices.map(({ mac }) => mac), ...cast.accessPoints.map(({ bssid }) => bssid)];
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const address of addresses) expect(address).toMatch(/^00-00-5E-00-53-[0-9A-F]{2}$/);
    expect(cast.members.filter(({ hasPass }) => !hasPass)).toHaveLength(1);
  });
});
