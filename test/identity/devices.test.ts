import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { deleteDevice, getDevice, listDevices, putDevice } from '../../src/identity/devices.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const phone = mac('00-00-5E-00-53-01');
const laptop = mac('00-00-5E-00-53-02');

describe.each(databaseKinds)('devices on %s', (kind) => {
  const databases = useDatabases(kind);
  const open = async (): Promise<Registry> => {
    const registry = createRegistry(await databases.open());
    for (const id of ['mia', 'noah']) await putCustomer(registry, id, { name: id });
    return registry;
  };

  test('a device is found by its address, which is shown as it was registered', async () => {
    const registry = await open();
    const { device, created } = await putDevice(registry, phone, { customerId: 'mia', name: 'Phone', class: 'phone' });
    expect(created).toBe(true);
    expect(device).toMatchObject({ mac: phone, customerId: 'mia', name: 'Phone', class: 'phone' });
    expect(device.id).toMatch(/^dev_[0-9a-z]{20}$/u);
    expect(await getDevice(registry, phone)).toEqual(device);
    expect(await getDevice(registry, laptop)).toBeUndefined();
    expect(await listDevices(registry, { limit: 10 })).toEqual([device]);
  });

  test('registering a device again changes what is given, and keeps its id', async () => {
    const registry = await open();
    const first = await putDevice(registry, phone, { customerId: 'mia', name: 'Phone', class: 'phone' });
    const second = await putDevice(registry, phone, { customerId: 'mia', class: null });
    expect(second.created).toBe(false);
    expect(second.device).toMatchObject({ id: first.device.id, name: 'Phone', class: null });
  });

  test("another customer's device does not move by itself", async () => {
    const registry = await open();
    await putDevice(registry, phone, { customerId: 'mia' });
    const taking = putDevice(registry, phone, { customerId: 'noah' });
    await expect(taking).rejects.toMatchObject({ code: 'deviceTaken', customerId: 'mia' });
    expect((await getDevice(registry, phone))?.customerId).toBe('mia');
  });

  test('a device of a customer who does not exist is refused', async () => {
    const registry = await open();
    const putting = putDevice(registry, phone, { customerId: 'zoe' });
    await expect(putting).rejects.toMatchObject({ code: 'unknownCustomer', customerId: 'zoe' });
  });

  test('two calls at once for one address make one device', async () => {
    const registry = await open();
    const all = await Promise.all([1, 2, 3, 4].map(() => putDevice(registry, phone, { customerId: 'mia' })));
    expect(new Set(all.map(({ device }) => device.id)).size).toBe(1);
    expect(all.filter(({ created }) => created)).toHaveLength(1);
  });

  test('a forgotten device is nobody’s, and may be registered by anybody', async () => {
    const registry = await open();
    await putDevice(registry, phone, { customerId: 'mia' });
    expect(await deleteDevice(registry, phone)).toBe(true);
    expect(await deleteDevice(registry, phone)).toBe(false);
    expect((await putDevice(registry, phone, { customerId: 'noah' })).created).toBe(true);
  });

  test('an address that its device has left finds nobody, and may be registered by anybody', async () => {
    const registry = await open();
    await putDevice(registry, phone, { customerId: 'mia' });
    await registry.db.write.updateTable('device_addresses').set({ retired_at: 1 }).execute();
    expect(await getDevice(registry, phone)).toBeUndefined();
    expect((await putDevice(registry, phone, { customerId: 'noah' })).device.customerId).toBe('noah');
  });

  test('the list is of one customer or of all, page by page', async () => {
    const registry = await open();
    await putDevice(registry, phone, { customerId: 'mia' });
    await putDevice(registry, laptop, { customerId: 'noah' });
    const [first] = await listDevices(registry, { limit: 1 });
    const rest = await listDevices(registry, { limit: 5, after: first?.id });
    expect(new Set([first?.mac, ...rest.map((device) => device.mac)])).toEqual(new Set([phone, laptop]));
    const own = await listDevices(registry, { limit: 5, customerId: 'noah' });
    expect(own.map((device) => device.mac)).toEqual([laptop]);
  });
});

describe('the files of SQLite', () => {
  const databases = useDatabases('sqlite');

  test('hold no address in clear, in no spelling, not even of a device that was deleted', async () => {
    const config = await databases.createConfig();
    {
      await using db = await openDatabase(config, { migrate: true, clock: systemClock, onError: () => undefined });
      const registry = createRegistry(db);
      await putCustomer(registry, 'mia', { name: 'Mia' });
      await putDevice(registry, phone, { customerId: 'mia' });
      await putDevice(registry, laptop, { customerId: 'mia' });
      await deleteDevice(registry, laptop);
      expect(readAll(config.dataDir)).toContain('Mia');
      expectNoAddress(readAll(config.dataDir));
    }
    expectNoAddress(readAll(config.dataDir));
  });
});

function readAll(dir: string): string {
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('\n');
}

function expectNoAddress(content: string) {
  for (const address of [phone, laptop]) {
    const digits = address.replaceAll('-', '');
    const bytes = Buffer.from(digits, 'hex');
    for (const separator of ['-', ':', '']) {
      const spelled = digits.match(/../gu)?.join(separator) ?? '';
      expect(content.toUpperCase()).not.toContain(spelled);
    }
    for (const text of [bytes.toString('latin1'), bytes.toString('base64'), bytes.toString('base64url')]) {
      expect(content).not.toContain(text);
    }
  }
}
