import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { vendorOf } from '../../src/observation/vendor.ts';
import { mac } from '../support/registry.ts';

const list = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('oui-data'), 'utf8')) as Readonly<
  Record<string, string>
>;

/** The first address of a block. */
function firstOf(prefix: string): string {
  return prefix.padEnd(12, '0');
}

test.each([
  ['00-00-5E-00-53-01', 'ICANN, IANA Department'],
  ['F4-F5-E8-00-00-01', 'Google, Inc.'],
])('%s is of %s', (address, vendor) => {
  expect(vendorOf(mac(address))).toBe(vendor);
});

test('an address that a device made up is of no vendor', () => {
  expect(vendorOf(mac('02-00-5E-00-53-01'))).toBeNull();
});

test('a block that was sold on in smaller ones is told by the smallest', () => {
  const small = Object.keys(list).find((prefix) => prefix.length === 9 && list[prefix] !== 'Private') ?? '';
  expect(list[small.slice(0, 6)]).toMatch(/^IEEE Registration Authority/);
  expect(vendorOf(mac(firstOf(small)))).toBe(list[small]?.split('\n')[0]);
});

test('blocks of every size are found, all over the list', () => {
  const wrong = Object.entries(list).filter(([prefix, text], index) => {
    if (index % 11 !== 0) return false;
    const address = firstOf(prefix);
    // Multicast and made up addresses are nobody's; a smaller block may begin where a larger one does.
    if ((Number.parseInt(prefix.slice(0, 2), 16) & 3) !== 0 || /^0+$/.test(address)) return false;
    const smaller = [7, 9].some((digits) => digits > prefix.length && address.slice(0, digits) in list);
    const name = text.split('\n')[0] ?? '';
    const expected = ['Private', 'IEEE Registration Authority'].includes(name) ? null : name;
    return !smaller && vendorOf(mac(address)) !== expected;
  });
  expect(wrong).toEqual([]);
});
