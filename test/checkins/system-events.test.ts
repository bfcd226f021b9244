import { expect, test } from 'vitest';
import { toSystemEvent } from '../../src/checkins/system-events.ts';
import { parseTransition } from '../../src/checkins/transitions.ts';
import type { SystemTransition } from '../../src/presence/transition.ts';

const nas = (name: string): string => JSON.stringify({ sourceId: 'aps', spaceId: 'hq', name });
const conflict = { type: 'conflict', space: 'hq', customer: 'mia', device: 'dev_1', at: '1000', details: nas('ap-1') };

function eventOf(values: Readonly<Record<string, string>>) {
  return toSystemEvent(parseTransition(['1-2', Object.entries(values).flat()]) as SystemTransition);
}

test('an address at two places names both access points, as far as they are known', () => {
  const data = { customerId: 'mia', spaceId: 'hq', deviceId: 'dev_1', kind: 'twoPlaces', registeredTo: null };
  expect(eventOf({ ...conflict, owner: '', otherDetails: nas('ap-2') })).toEqual({
    id: 'evt_s1_2',
    at: 1_000,
    type: 'device.conflict',
    data: { ...data, accessPoints: ['ap-1', 'ap-2'] },
  });
  expect(eventOf({ ...conflict, owner: '', otherDetails: '' }).data).toEqual({ ...data, accessPoints: ['ap-1'] });
});

test('an address of two customers names the one for whom it counts, and the one to whom it is registered', () => {
  const data = { customerId: 'mia', deviceId: 'dev_1', kind: 'twoCustomers', registeredTo: 'noah' };
  expect(eventOf({ ...conflict, owner: 'noah', otherDetails: '' }).data).toMatchObject(data);
});
