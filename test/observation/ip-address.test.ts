import { expect, test } from 'vitest';
import { parseIpAddress } from '../../src/observation/ip-address.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:C000:0207', '192.0.2.7'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['fd00::7', 'fd00::7'],
])('%s is the address %s', (text, address) => {
  expect(parseIpAddress(text)).toBe(address);
});

test.each([
  '',
  'unknown',
  '192.0.2',
  '192.0.2.007',
  '0.0.0.0',
  '255.255.255.255',
  '127.0.0.1',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '169.254.1.1',
  'fe80::1',
  'fe80::1%eth0',
  '224.0.0.1',
  'ff02::1',
])('%s names no station', (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});
