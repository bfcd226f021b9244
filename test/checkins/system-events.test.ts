import { expect, test } from 'vitest';
import { toSeenConflicts, toSystemEvent } from '../../src/checkins/system-events.ts';
import { parseTransition } from '../../src/checkins/transitions.ts';
import type { SystemTransition } from '../../src/presence/transition.ts';

const nas = (name: string): string => JSON.stringify({ sourceId: 'aps', spaceId: 'hq', name });
const conflict = { type: 'conflict', space: 'hq', customer: 'mia', device: 'dev_1', at: '1000', details: nas('ap-1') };

function eventOf(values: Readonly<Record<string, string>>) {
  return toSystemEvent(parseTransition(['1-2', Object.entries(values).flat()]) as SystemTransition);
}

test('an address at two places names both access points, as far as they are known', () => {
  const data = { customerId: 'mia', spaceId: 'hq', deviceId: 'dev_1', kind: 'twoPlaces' } as const;
  const nobody = { registeredTo: null, authenticatedAs: null, claimedBy: null };
  expect(eventOf({ ...conflict, owner: '', otherDetails: nas('ap-2') })).toEqual({
    id: 'evt_s1_2',
    at: 1_000,
    type: 'device.conflict',
    data: { ...data, ...nobody, accessPoints: ['ap-1', 'ap-2'] },
  });
  expect(eventOf({ ...conflict, owner: '', otherDetails: '' }).data).toEqual({
    ...data,
    ...nobody,
    accessPoints: ['ap-1'],
  });
});

test('an address of two customers names the one for whom it counts, and who is which', () => {
  const told = (values: Readonly<Record<string, string>>) => eventOf({ ...conflict, owner: 'noah', ...values });
  const data = { customerId: 'mia', deviceId: 'dev_1', kind: 'twoCustomers' };
  const identityWins = { ...data, registeredTo: 'noah', authenticatedAs: 'mia' };
  expect(told({}).data).toMatchObject(identityWins);
  expect(told({ winner: 'identity' }).data).toMatchObject(identityWins);
  const deviceWins = told({ winner: 'device' });
  expect(deviceWins.data).toMatchObject({ ...data, registeredTo: 'mia', authenticatedAs: 'noah' });
  expect(toSeenConflicts([told({}), deviceWins])).toEqual([
    { deviceId: 'dev_1', claimantId: 'mia', kind: 'identity', at: 1_000 },
    { deviceId: 'dev_1', claimantId: 'noah', kind: 'identity', at: 1_000 },
  ]);
  expect(toSeenConflicts([eventOf({ ...conflict, owner: '' })])).toEqual([]);
});
