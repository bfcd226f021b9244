import { array, assert, constantFrom, integer, nat, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { StationCache, unknown } from '../../src/identity/station-cache.ts';

const nobody = -1;

function stationOf(value: number): string {
  const digits = value.toString(16).toUpperCase().padStart(12, '0');
  return `${digits.slice(0, 2)}-${digits.slice(2, 4)}-${digits.slice(4, 6)}-${digits.slice(6, 8)}-${digits.slice(8, 10)}-${digits.slice(10)}`;
}

test('a station that was put in is found there, and no other one in its place', () => {
  const oui = constantFrom(0x0000_5e00_5300, 0x0200_5e00_0000, 0xfeff_ffff_ff00, 0);
  // Neighbours, addresses that differ in their upper half alone, and any.
  const address = tuple(oui, nat(300)).map(([base, n]) => base + n);
  const step = tuple(constantFrom('set', 'get'), address, integer({ min: nobody, max: 0x7fff_fffd }));
  assert(
    property(array(step, { maxLength: 400 }), (steps) => {
      const cache = new StationCache();
      const model = new Map<number, number>();
      const answers: [number, number][] = [];
      for (const [what, value, row] of steps) {
        if (what === 'set') {
          cache.set(stationOf(value), row);
          model.set(value, row);
        } else {
          answers.push([cache.get(stationOf(value)), model.get(value) ?? unknown]);
        }
      }
      for (const [row, expected] of answers) expect(row).toBe(expected);
    }),
    { numRuns: 50 },
  );
});

test('of more stations than a set has room for, some are forgotten and none is mistaken', () => {
  const cache = new StationCache();
  const stations = 600_000;
  // Addresses of one vendor, and as many scattered ones; a product with an odd number is another one for each.
  const valueOf = (n: number) => (n % 2 === 0 ? 0x0200_5e00_0000 + n / 2 : (n * 0x9e37_79b1) % 2 ** 48);
  for (let n = 0; n < stations; n += 1) cache.set(stationOf(valueOf(n)), n);
  let forgotten = 0;
  let mistaken = 0;
  for (let n = 0; n < stations; n += 1) {
    const row = cache.get(stationOf(valueOf(n)));
    if (row === unknown) forgotten += 1;
    else if (row !== n) mistaken += 1;
  }
  expect(mistaken).toBe(0);
  expect(forgotten).toBeGreaterThan(0);
  expect(forgotten).toBeLessThan(stations / 100);
});

test('nobody is nobody until something is registered', () => {
  const cache = new StationCache();
  const [stranger, phone] = [stationOf(1), stationOf(2)];
  cache.set(stranger, nobody);
  cache.set(phone, 7);
  expect(cache.get(stranger)).toBe(nobody);
  cache.forgetNobodies();
  expect(cache.get(stranger)).toBe(unknown);
  expect(cache.get(phone)).toBe(7);
  cache.clear();
  expect(cache.get(phone)).toBe(unknown);
});
