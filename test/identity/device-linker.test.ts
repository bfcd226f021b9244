import { describe, expect, test } from 'vitest';
import { putCustomer } from '../../src/identity/customers.ts';
import { DeviceLinker, type LinkerPorts } from '../../src/identity/device-linker.ts';
import { listDevices, putDevice } from '../../src/identity/devices.ts';
import type { Heard } from '../../src/identity/linking.ts';
import type { MacAddress } from '../../src/observation/mac-address.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';
import { rememberRelinked } from '../support/relinked.ts';
import { until } from '../support/until.ts';

const stations = [1, 2, 3].map((n) => mac(`02-00-5E-00-53-0${n}`));
const [first, second, third] = stations as [MacAddress, MacAddress, MacAddress];

describe.each(databaseKinds)('linking devices on %s', (kind) => {
  const databases = useDatabases(kind);

  async function open(options: Partial<LinkerPorts> = {}) {
    const registry = createRegistry(await databases.open());
    for (const id of ['mia', 'noah']) await putCustomer(registry, id, { name: id });
    const { told, tell } = rememberRelinked();
    const heard = new Map<string, Heard>();
    const errors: unknown[] = [];
    const linker = new DeviceLinker({
      ...registry,
      heard: async () => (_customer, device) => heard.get(device),
      tell,
      learn: true,
      onError: (error) => errors.push(error),
      ...options,
    });
    const close = async (): Promise<void> => {
      await linker[Symbol.asyncDispose]();
      expect(errors).toEqual([]);
    };
    const again: MacAddress[] = [];
    const ask = (station: MacAddress, customerId = 'mia') =>
      linker.ask({
        station,
        customerId,
        spaceId: 'hq',
        evidence: 'userName',
        at: Date.now(),
        again: () => void again.push(station),
      });
    const macsOf = async (customerId = 'mia') =>
      (await listDevices(registry, { limit: 10, customerId })).map((device) => device.mac);
    return { registry, told, heard, ask, macsOf, again, [Symbol.asyncDispose]: close };
  }

  test('a person on three addresses in turn has one device, at its latest address', async () => {
    await using world = await open({ quota: 1 });
    const { registry, told, ask, macsOf } = world;
    for (const station of stations) {
      await ask(station);
      expect(await macsOf()).toEqual([station]);
    }
    const [device] = await listDevices(registry, { limit: 10 });
    const relinked = { customerId: 'mia', spaceId: 'hq', deviceId: device?.id, reason: 'newAddress' };
    expect(told).toMatchObject([relinked, relinked]);
  });

  test('what is asked at once is decided once', async () => {
    await using world = await open();
    const { ask, macsOf } = world;
    await Promise.all([ask(first), ask(first), ask(second, 'noah'), ask(first)]);
    expect([await macsOf(), await macsOf('noah')]).toEqual([[first], [second]]);
  });

  test('an address that is somebody’s already stays theirs', async () => {
    await using world = await open();
    const { registry, told, ask, macsOf } = world;
    await putDevice(registry, first, { customerId: 'noah' });
    await ask(first);
    expect([await macsOf(), await macsOf('noah'), told]).toEqual([[], [first], []]);
  });

  test('while the old address is in use, nothing is decided; once it is not, the report is made again', async () => {
    await using world = await open();
    const { registry, heard, ask, macsOf, again } = world;
    await putDevice(registry, first, { customerId: 'mia' });
    const [device] = await listDevices(registry, { limit: 1 });
    heard.set(device?.id ?? '', { isHere: true, activeAt: 0, patienceMs: 60_000 });
    await ask(second);
    expect(await macsOf()).toEqual([first]);
    expect(ask(second)).toBeUndefined();
    heard.clear();
    await until('it is decided', async () => (await macsOf())[0] === second);
    await until('the report is made again', async () => again.length === 1);
  });

  test('with two devices in use, a third address is another device, and waits while there is no room for it', async () => {
    await using world = await open({ quota: 2 });
    const { registry, ask, macsOf } = world;
    for (const station of [first, second]) await putDevice(registry, station, { customerId: 'mia' });
    await ask(third);
    expect((await macsOf()).toSorted()).toEqual([first, second]);
    expect(ask(third)).toBeUndefined();
  });

  test('where nothing is to be learned, devices that are known still go on to their next address', async () => {
    await using world = await open({ learn: false });
    const { registry, ask, macsOf } = world;
    await ask(first);
    expect(await macsOf()).toEqual([]);
    await putDevice(registry, second, { customerId: 'mia' });
    await ask(third);
    expect(await macsOf()).toEqual([third]);
  });

  test('nobody who is gone gets a device', async () => {
    await using world = await open();
    const { ask, macsOf, again } = world;
    await ask(first, 'zoe');
    expect([await macsOf('zoe'), again]).toEqual([[], []]);
  });
});
