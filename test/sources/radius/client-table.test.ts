import { expect, test } from 'vitest';
import { ClientTable } from '../../../src/sources/radius/client-table.ts';
import { client } from './radius-world.ts';

function tableOf(...ranges: string[]): ClientTable {
  return new ClientTable({ space: 'hq', clients: ranges.map((range) => client(range)) });
}

const table = tableOf(
  '0.0.0.0/0',
  '192.0.2.0/24',
  '192.0.2.128/25',
  '192.0.2.200',
  '2001:db8::/32',
  '2001:db8:1::/51',
  'fe80::/10',
);

test.each([
  ['192.0.2.1', '192.0.2.0/24'],
  ['192.0.2.129', '192.0.2.128/25'],
  ['192.0.2.200', '192.0.2.200'],
  ['::ffff:192.0.2.200', '192.0.2.200'],
  ['198.51.100.1', '0.0.0.0/0'],
  ['2001:db8:ffff::1', '2001:db8::/32'],
  ['2001:db8:1:1fff::1', '2001:db8:1::/51'],
  ['2001:db8:1:2000::1', '2001:db8::/32'],
  ['fe80::1%eth0', 'fe80::/10'],
  ['2001:db9::1', undefined],
  ['not an address', undefined],
])('%s belongs to %s', (address, label) => {
  expect(table.find(address)?.label).toBe(label);
});

test('a range given twice is a mistake', () => {
  expect(() => tableOf('192.0.2.0/24', '192.0.2.0/24')).toThrow(/given twice/);
});
