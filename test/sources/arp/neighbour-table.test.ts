import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseIpAddress, type IpAddress } from '../../../src/observation/ip-address.ts';
import { findNeighbour, parseArpTable, parseGateways } from '../../../src/sources/arp/neighbour-table.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/arp', import.meta.url));
const find = (address: string) => findNeighbour(parseIpAddress(address) as IpAddress, fixtures);

test.each([
  ['192.0.2.21', { station: '00-00-5E-00-53-01', isShared: false }],
  ['198.51.100.21', { station: '00-00-5E-00-53-01', isShared: false }],
  ['192.0.2.23', { station: '00-00-5E-00-53-03', isShared: false }],
])('the neighbour %s is one device', async (address, expected) => {
  expect(await find(address)).toEqual(expected);
});

test.each(['192.0.2.22', '192.0.2.24', '192.0.2.99', '2001:db8::21'])(
  'of %s the table says nothing',
  async (address) => {
    expect(await find(address)).toBeUndefined();
  },
);

test('the default gateway, and who answers for several addresses, is nobody\u2019s device', async () => {
  expect(await find('192.0.2.1')).toMatchObject({ isShared: true });
  expect(await find('192.0.2.25')).toMatchObject({ isShared: true });
});

test('without tables nothing is known, and broken ones are read as far as they go', async () => {
  expect(await findNeighbour('192.0.2.21' as IpAddress, '/nonexistent')).toBeUndefined();
  expect(parseArpTable('\n\nx y z\n192.0.2.21 0x1 0x2\n192.0.2.21 0x20 0x2 00:00:5e:00:53:01 * ib0\n')).toEqual([]);
  expect(parseGateways('eth0 00000000 0102 0003\neth0 00000000 010200C0 0001\neth0\n')).toEqual([]);
});
