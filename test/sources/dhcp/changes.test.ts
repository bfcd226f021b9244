import { expect, test } from 'vitest';
import { compareLeases, type KnownLeases, type Look } from '../../../src/sources/dhcp/changes.ts';
import type { Lease } from '../../../src/sources/dhcp/lease.ts';
import { mac } from '../../support/registry.ts';

const hour = 3_600_000;
const nine = Date.UTC(2026, 10, 24, 9);
const phone = (until: number | undefined = nine + hour): Lease => ({
  station: mac('02-00-5E-00-53-01'),
  ipAddress: '192.0.2.21',
  until,
});
const laptop: Lease = { station: mac('02-00-5E-00-53-02'), ipAddress: '192.0.2.22', until: nine + hour };

/** Looks one after the other, a second apart or as they say; the changes of the last one, in short. */
function look(...looks: (Partial<Look> & Pick<Look, 'leases'>)[]): string[] {
  let known: KnownLeases | undefined;
  let told: string[] = [];
  for (const [index, one] of looks.entries()) {
    const at = nine + index * 1_000;
    const result = compareLeases(known, { at, writtenAt: at - 100, isComplete: true, ...one });
    known = result.known;
    told = result.changes.map((change) => `${change.kind} ${change.lease.ipAddress} ${change.at - nine}`);
  }
  return told;
}

test('what is there at the first look says nothing of now', () => {
  expect(look({ leases: [phone(), laptop] })).toEqual([]);
});

test('a new lease, and one whose end has moved, was granted when the file was written', () => {
  expect(look({ leases: [] }, { leases: [phone()] })).toEqual(['granted 192.0.2.21 900']);
  expect(look({ leases: [phone()] }, { leases: [phone(nine + hour + 1_000), laptop] })).toEqual([
    'granted 192.0.2.21 900',
    'granted 192.0.2.22 900',
  ]);
});

test('what stays as it is, or is over already, was not granted', () => {
  expect(look({ leases: [phone()] }, { leases: [phone()] })).toEqual([]);
  expect(look({ leases: [] }, { leases: [phone(nine - 1)] })).toEqual([]);
  expect(look({ leases: [phone(undefined)] }, { leases: [phone(undefined)] })).toEqual([]);
});

test('an address that goes from one station to another is the new one’s', () => {
  const next = { ...laptop, ipAddress: '192.0.2.21' };
  expect(look({ leases: [phone()] }, { leases: [next] }, { leases: [next] })).toEqual(['released 192.0.2.21 1000']);
});

test('a lease that is missing was released once that is sure, and at the moment it was first missed', () => {
  expect(look({ leases: [phone(), laptop] }, { leases: [laptop] })).toEqual([]);
  expect(look({ leases: [phone(), laptop] }, { leases: [laptop] }, { leases: [laptop] })).toEqual([
    'released 192.0.2.21 1000',
  ]);
  expect(look({ leases: [phone()] }, { leases: [] }, { leases: [] })).toEqual(['released 192.0.2.21 1000']);
});

test('a lease whose time was over has left nobody', () => {
  const short = phone(nine + 1_500);
  expect(look({ leases: [short, laptop] }, { leases: [laptop] }, { leases: [laptop] })).toEqual([]);
});

test('a file that is half written, or comes back a moment later, releases nobody', () => {
  const half = { leases: [laptop], isComplete: false };
  expect(look({ leases: [phone(), laptop] }, half, half, half)).toEqual([]);
  expect(look({ leases: [phone(), laptop] }, { leases: [] }, { leases: [phone(), laptop] })).toEqual([]);
});

test('a new file without any of several leases is nobody’s departure', () => {
  expect(look({ leases: [phone(), laptop] }, { leases: [] }, { leases: [] })).toEqual([]);
});
