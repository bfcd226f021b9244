import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseDnsmasqLeases } from '../../../src/sources/dhcp/dnsmasq.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/dhcp/${name}`, import.meta.url), 'utf8');

test('a lease file is read to its IPv6 part, and what names no station is left out', () => {
  expect(parseDnsmasqLeases(fixture('dnsmasq.leases'))).toEqual({
    isComplete: true,
    leases: [
      { station: '00-00-5E-00-53-01', ipAddress: '192.0.2.21', until: 1_795_000_000_000, hostname: 'Pixel-7' },
      { station: '02-00-5E-00-53-02', ipAddress: '192.0.2.22', until: 1_795_000_600_000 },
      { station: '00-00-5E-00-53-03', ipAddress: '192.0.2.23', until: Infinity, hostname: 'printer' },
    ],
  });
});

test('a line that is being written is not read, and the list says so', () => {
  const text = '1795000000 00:00:5e:00:53:01 192.0.2.21 * *\n1795000000 00:00:5e:00:53:02 192.0.2.2';
  const { leases, isComplete } = parseDnsmasqLeases(text);
  expect(isComplete).toBe(false);
  expect(leases.map(({ ipAddress }) => ipAddress)).toEqual(['192.0.2.21']);
  expect(parseDnsmasqLeases('')).toEqual({ leases: [], isComplete: true });
});

test('where the machine has no clock, the end of a lease is not known', () => {
  expect(parseDnsmasqLeases('3600 00:00:5e:00:53:01 192.0.2.21 * *\n').leases).toEqual([
    { station: '00-00-5E-00-53-01', ipAddress: '192.0.2.21', until: undefined },
  ]);
});

test.each([
  'rubbish',
  '1795000000',
  '1795000000 00:00:5e:00:53:01',
  'x 00:00:5e:00:53:01 192.0.2.21 * *',
  '1795000000 00:00:5e:00:53:01 192.0.2.999 * *',
  '1795000000 01:00:5e:00:53:01 192.0.2.21 * *',
  '1795000000 06-00:00:5e:00:53:01 192.0.2.21 * *',
  '1795000000 12345678 2001:db8::21 * 00:01:00:01',
  '\u0000\u0001',
])('the line %j is passed over', (line) => {
  const good = '1795000000 00:00:5e:00:53:09 192.0.2.29 * *\n';
  expect(parseDnsmasqLeases(`${line}\n${good}`).leases).toHaveLength(1);
});

test('T28: a host name with escapes, or with characters that turn the direction of text, is made harmless', () => {
  const [lease] = parseDnsmasqLeases('0 00:00:5e:00:53:01 192.0.2.21 x\u001b[2J\u009b\u202egnp *\n').leases;
  expect(lease?.hostname).toBe('x\u{FFFD}[2J\u{FFFD}\u{FFFD}gnp');
});
