import { expect, test } from 'vitest';
import type { DeviceClass } from '../../src/identity/device-class.ts';
import { decideLink, type Heard, type KnownDevice } from '../../src/identity/linking.ts';

const minute = 60_000;
const newcomer = { isRandom: true, since: 100 * minute };
const hardware = { isRandom: false, since: 100 * minute };
const phone: KnownDevice = { id: 'dev_phone', class: 'phone', isRandom: true };
const tablet: KnownDevice = { id: 'dev_tablet', class: null, isRandom: true };

function fixed(id: string, deviceClass: DeviceClass | null): KnownDevice {
  return { id, class: deviceClass, isRandom: false };
}

const gone = (): undefined => undefined;
const here = (activeAt: number): (() => Heard) => {
  return () => ({ isHere: true, activeAt: activeAt * minute, patienceMs: 15 * minute });
};

const relinked = (deviceId: string) => ({ type: 'relink', deviceId });

test('a made-up address is the next one of the only device that makes addresses up', () => {
  expect(decideLink(newcomer, [phone], gone, 5)).toEqual(relinked('dev_phone'));
  expect(decideLink(newcomer, [phone, fixed('dev_old', null)], gone, 5)).toEqual(relinked('dev_phone'));
  expect(decideLink(newcomer, [{ ...phone, class: 'laptop' }], gone, 5)).toEqual(relinked('dev_phone'));
});

test('of two devices that make addresses up, it is neither: it is registered as another', () => {
  expect(decideLink(newcomer, [phone, tablet], gone, 5)).toEqual({ type: 'register' });
});

test('the only device may have begun to make addresses up, unless it is of a kind that stays as it is', () => {
  expect(decideLink(newcomer, [fixed('dev_1', null)], gone, 5)).toEqual(relinked('dev_1'));
  expect(decideLink(newcomer, [fixed('dev_1', 'phone')], gone, 5)).toEqual(relinked('dev_1'));
  for (const kind of ['laptop', 'stationary'] as const) {
    expect(decideLink(newcomer, [fixed('dev_1', kind)], gone, 5)).toEqual({ type: 'register' });
  }
  expect(decideLink(newcomer, [fixed('dev_1', null), fixed('dev_2', null)], gone, 5)).toEqual({ type: 'register' });
});

test('a hardware address is a device of its own', () => {
  expect(decideLink(hardware, [phone], gone, 5)).toEqual({ type: 'register' });
  expect(decideLink(hardware, [], gone, 5)).toEqual({ type: 'register' });
});

test('while the device is on the network under its old address, time must tell', () => {
  const heard: Heard = { isHere: false, activeAt: 99 * minute, patienceMs: 15 * minute };
  expect(decideLink(newcomer, [phone], () => heard, 5)).toEqual(relinked('dev_phone'));
  expect(decideLink(newcomer, [phone], here(99), 5)).toEqual({ type: 'wait' });
  expect(decideLink(newcomer, [phone], here(101), 5)).toEqual({ type: 'wait' });
});

test('what goes on under the old address, well after the new one came, is another device', () => {
  expect(decideLink(newcomer, [phone], here(102), 5)).toEqual({ type: 'register' });
  const hasty = (): Heard => ({ isHere: true, activeAt: newcomer.since + 1_500, patienceMs: 2_000 });
  expect(decideLink(newcomer, [phone], hasty, 5)).toEqual({ type: 'register' });
});

test('nobody gets more devices than they may have by being seen with them; the next address of one is none', () => {
  expect(decideLink(newcomer, [phone, tablet], gone, 2)).toEqual({ type: 'full' });
  expect(decideLink(hardware, [], gone, 0)).toEqual({ type: 'full' });
  expect(decideLink(newcomer, [phone], gone, 1)).toEqual(relinked('dev_phone'));
});
