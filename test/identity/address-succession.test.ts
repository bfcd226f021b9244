import { describe, expect, test } from 'vitest';
import { AddressSuccession, type StationReport, type SuccessionPorts } from '../../src/identity/address-succession.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { DeviceLinker } from '../../src/identity/device-linker.ts';
import { getDevice, listDevices } from '../../src/identity/devices.ts';
import type { MacAddress } from '../../src/observation/mac-address.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';
import { rememberRelinked } from '../support/relinked.ts';
import { until } from '../support/until.ts';

const older = mac('02-00-5E-00-53-01');
const newer = mac('02-00-5E-00-53-02');

describe.each(databaseKinds)('one address after another on %s', (kind) => {
  const databases = useDatabases(kind);

  /** A device that has gone from one address to another. */
  async function open(options: Partial<SuccessionPorts> = {}) {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'mia' });
    const { told, tell } = rememberRelinked();
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const heard = async () => () => undefined;
    await using linker = new DeviceLinker({ ...registry, heard, tell, learn: true, onError });
    for (const station of [older, newer]) {
      const proven = { station, customerId: 'mia', spaceId: 'hq', evidence: undefined, at: 0, again: () => undefined };
      await linker.ask(proven);
    }
    told.length = 0;
    const succession = new AddressSuccession({ ...registry, tell, retireAfter: 60_000, onError, ...options });
    const close = async (): Promise<void> => {
      await succession[Symbol.asyncDispose]();
      expect(errors).toEqual([]);
    };
    const [device] = await listDevices(registry, { limit: 10 });
    let octets = 0;
    const hear = (station: MacAddress, status: StationReport['status'], grown = 10): void => {
      octets += grown;
      succession.hear({ station, deviceId: device?.id ?? '', spaceId: 'hq', status, octets });
    };
    const macs = async () => (await listDevices(registry, { limit: 10 })).map((one) => one.mac).toSorted();
    if (options.retireAfter === undefined) await until('the device is watched', async () => succession.size === 1);
    hear(newer, 'start');
    return { registry, told, hear, macs, deviceId: device?.id, [Symbol.asyncDispose]: close };
  }

  test('the old address finds the device until it is retired, and nobody from then on', async () => {
    await using world = await open({ retireAfter: 0 });
    const { registry } = world;
    await until('it is retired', async () => (await getDevice(registry, older)) === undefined);
    expect(await getDevice(registry, newer)).toBeDefined();
  });

  test('a device that goes back to an address is at that one again', async () => {
    await using world = await open();
    const { told, hear, macs, deviceId } = world;
    expect(await macs()).toEqual([newer]);
    hear(older, 'start');
    await until('it is back', async () => (await macs())[0] === older);
    expect(told).toMatchObject([{ deviceId, reason: 'returned', spaceId: 'hq', customerId: 'mia' }]);
  });

  test('a last report of the old address, and an access point that goes on counting it, say nothing', async () => {
    await using world = await open();
    const { told, hear, macs } = world;
    hear(older, 'interim');
    hear(newer, 'interim');
    hear(older, 'interim');
    for (let round = 0; round < 10; round += 1) hear(older, 'interim', 0);
    hear(older, 'stop');
    expect([await macs(), told]).toEqual([[newer], []]);
  });

  test('two addresses that go on by turns are two devices', async () => {
    await using world = await open();
    const { told, hear, macs, deviceId } = world;
    for (let round = 0; round < 6; round += 1) for (const station of [older, newer]) hear(station, 'interim');
    await until('they are two', async () => (await macs()).length === 2);
    expect(told).toMatchObject([{ reason: 'split', previousDeviceId: deviceId }]);
  });

  test('where there is no room for a second device, the newer address is nobody’s', async () => {
    await using world = await open({ quota: 1 });
    const { registry, hear, macs } = world;
    for (let round = 0; round < 6; round += 1) for (const station of [older, newer]) hear(station, 'interim');
    await until('it is nobody’s', async () => (await getDevice(registry, newer)) === undefined);
    expect(await macs()).toEqual([older]);
  });
});
