import { describe, expect, test } from 'vitest';
import { inTransaction } from '../../src/db/transaction.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import {
  getConflict,
  listConflicts,
  noteClaim,
  noteConflicts,
  settleConflict,
  type DeviceConflict,
} from '../../src/identity/device-conflicts.ts';
import { getDevice, putDevice } from '../../src/identity/devices.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const phone = mac('00-00-5E-00-53-01');

describe.each(databaseKinds)('conflicts over devices on %s', (kind) => {
  const databases = useDatabases(kind);

  /** The phone is mia's, and noah claims it. */
  async function open() {
    const registry = createRegistry(await databases.open());
    for (const id of ['mia', 'noah']) await putCustomer(registry, id, { name: id });
    const { device } = await putDevice(registry, phone, { customerId: 'mia', name: 'Mia’s', class: 'phone' });
    const told: DeviceConflict[] = [];
    const claim = async (claimantId = 'noah'): Promise<void> =>
      await noteClaim(registry, phone, claimantId, async (_trx, conflict) => () => void told.push(conflict));
    const see = (at: number, claimantId = 'noah') =>
      inTransaction(registry.db, (trx) =>
        noteConflicts(trx, [{ deviceId: device.id, claimantId, kind: 'identity', at }]),
      );
    const list = (state: 'open' | 'settled' = 'open') => listConflicts(registry, { limit: 10, state });
    return { registry, device, told, claim, see, list };
  }

  test('it is one conflict for each two and each way, however often it is seen, and is told once', async () => {
    const { device, told, claim, see, list } = await open();
    for (const at of [1_000, 2_000]) await see(at);
    await claim();
    await claim();
    const both = { deviceId: device.id, holderId: 'mia', claimantId: 'noah', settledAt: null };
    const found = await list();
    expect(found.map(({ kind: way }) => way)).toEqual(['claim', 'identity']);
    expect(found).toMatchObject([both, { ...both, firstAt: 1_000, lastAt: 2_000 }]);
    expect(told).toMatchObject([both]);
  });

  test('nobody is in conflict with themselves, nor with who is gone', async () => {
    const { claim, see, list } = await open();
    await see(1_000, 'mia');
    await see(1_000, 'zoe');
    await claim('mia');
    expect(await list()).toEqual([]);
  });

  test('settled for its holder, it stays theirs, and the next time is no news', async () => {
    const { registry, claim, see, list } = await open();
    await see(1_000);
    await claim();
    const [conflict] = await list();
    await settleConflict(registry, conflict?.id ?? '', 'holder');
    await see(3_000);
    expect(await list()).toEqual([]);
    expect(await list('settled')).toHaveLength(2);
    expect((await getDevice(registry, phone))?.customerId).toBe('mia');
    expect(await settleConflict(registry, conflict?.id ?? '', 'claimant')).toBeUndefined();
  });

  test('settled for the other, it is theirs as a device of their own, without the name it had', async () => {
    const { registry, device, see, list } = await open();
    await see(1_000);
    const [conflict] = await list();
    const settled = await settleConflict(registry, conflict?.id ?? '', 'claimant');
    const moved = await getDevice(registry, phone);
    expect(moved).toMatchObject({ customerId: 'noah', name: null, class: 'phone' });
    expect(moved?.id).not.toBe(device.id);
    expect(settled).toMatchObject({ deviceId: moved?.id, settlement: 'claimant' });
    expect([await list(), await getConflict(registry, conflict?.id ?? '')]).toEqual([[], undefined]);
  });

  test('settled for neither, it is nobody’s', async () => {
    const { registry, see, list } = await open();
    await see(1_000);
    const [conflict] = await list();
    await settleConflict(registry, conflict?.id ?? '', 'neither');
    expect(await getDevice(registry, phone)).toBeUndefined();
  });
});
