import { expect, test } from 'vitest';
import type { IpAddress } from '../../src/observation/ip-address.ts';
import { findStation } from '../../src/presence/calling-station.ts';
import { mac } from '../support/registry.ts';

const mia = mac('02-00-5E-00-53-01');
const noor = mac('02-00-5E-00-53-02');
const beside = (station: typeof mia | undefined, isShared = false) => ({ station, isShared });

test.each([
  ['nobody has said anything', [], undefined, { known: false, reason: 'unknownAddress' }],
  ['a source has said so', [mia], undefined, { known: true, station: mia }],
  ['it is a neighbour', [], beside(mia), { known: true, station: mia }],
  ['both agree', [mia], beside(mia), { known: true, station: mia }],
  ['two stations have it', [mia, noor], undefined, { known: false, reason: 'ambiguous' }],
  ['two stations have it and one is the neighbour', [mia, noor], beside(mia), { known: false, reason: 'ambiguous' }],
  ['the neighbour is another one', [mia], beside(noor), { known: false, reason: 'ambiguous' }],
  ['the neighbour answers for several', [mia], beside(mia, true), { known: false, reason: 'shared' }],
  ['it is the gateway', [], beside(undefined, true), { known: false, reason: 'shared' }],
])('when %s', async (_, holders, neighbour, expected) => {
  const ports = { book: { find: async () => holders }, neighbour: async () => neighbour };
  expect(await findStation(ports, '192.0.2.21' as IpAddress)).toEqual(expected);
});
