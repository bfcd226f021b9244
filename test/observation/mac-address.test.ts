import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isLocallyAdministered,
  macFromBytes,
  parseMacAddress,
  toBytes,
  type MacAddress,
} from '../../src/observation/mac-address.ts';
import { readSyntaxFixtures } from '../support/radius-fixtures.ts';

test.each(readSyntaxFixtures('mac-address.txt'))('$input is read as $output', ({ input, output }) => {
  expect(parseMacAddress(input)).toBe(output);
});

/** Addresses that a station can have. */
const stationBytes = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => bytes.with(0, bytes[0]! & 0xfe))
  .filter((bytes) => bytes.some((byte) => byte !== 0));

test('bytes and text are inverse', () => {
  fc.assert(
    fc.property(stationBytes, (bytes) => {
      const mac = macFromBytes(bytes)!;
      expect(toBytes(mac)).toEqual(bytes);
      expect(parseMacAddress(mac)).toBe(mac);
    }),
  );
});

test('every spelling of an address is the same address', () => {
  const spelling = fc.record({
    group: fc.constantFrom(2, 4, 6, 12),
    separator: fc.constantFrom('-', ':', '.', ' '),
    upper: fc.boolean(),
  });
  fc.assert(
    fc.property(stationBytes, spelling, (bytes, { group, separator, upper }) => {
      const hex = Buffer.from(bytes).toString('hex');
      const text = hex.match(new RegExp(`.{${group}}`, 'g'))!.join(separator);
      expect(parseMacAddress(upper ? text.toUpperCase() : text)).toBe(macFromBytes(bytes));
    }),
  );
});

test('no text makes it throw, and what it gives is canonical', () => {
  const likely = fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF-:. gé\u0001')),
    minLength: 10,
    maxLength: 19,
  });
  fc.assert(
    fc.property(fc.oneof(fc.string(), likely), (text) => {
      expect(parseMacAddress(text) ?? '00-00-5E-00-53-01').toMatch(/^[0-9A-F][02468ACE](-[0-9A-F]{2}){5}$/);
    }),
    { numRuns: 5000 },
  );
});

test('raw bytes of no station are refused', () => {
  expect(macFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0))).toBeUndefined();
  expect(macFromBytes(Uint8Array.of(1, 0, 0x5e, 0, 0, 1))).toBeUndefined();
  expect(macFromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53))).toBeUndefined();
  expect(macFromBytes(Uint8Array.of(9, 9, 0, 0, 0x5e, 0, 0x53, 1), 2)).toBe('00-00-5E-00-53-01');
});

test('an address that a device made up is told by its first octet', () => {
  expect(isLocallyAdministered('DA-00-5E-00-53-01' as MacAddress)).toBe(true);
  expect(isLocallyAdministered('00-00-5E-00-53-01' as MacAddress)).toBe(false);
});
