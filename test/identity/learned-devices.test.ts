import { describe, expect, test } from 'vitest';
import { Ledger } from '../../src/checkins/ledger.ts';
import { bulkInsert } from '../../src/db/bulk.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { listDevices, putDevice } from '../../src/identity/devices.ts';
import { forgetLearnedDevices } from '../../src/identity/learned-devices.ts';
import { FixedClock } from '../http/fixed-clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const dayMs = 86_400_000;
const rules = { id: 'hq', requirePass: false, methods: ['admin'] } as const;

describe.each(databaseKinds)('devices that the network showed, on %s', (kind) => {
  const databases = useDatabases(kind);

  async function open() {
    const clock = new FixedClock();
    const db = await databases.open({ clock });
    const registry = createRegistry(db, clock);
    await putCustomer(registry, 'mia', { name: 'Mia' });
    const ledger = new Ledger({ db, clock, rules: () => rules, onRecorded: () => undefined });

    async function learn(last: string): Promise<string> {
      const { device } = await putDevice(registry, mac(`00-00-5E-00-53-${last}`), { customerId: 'mia' });
      await db.write.updateTable('devices').set({ origin: 'identity' }).where('id', '=', device.id).execute();
      return device.id;
    }
    /** A check-in of Mia's in which this device was active. */
    async function checkInWith(deviceId: string): Promise<string> {
      const outcome = await ledger.checkIn({ customerId: 'mia', spaceId: 'hq' }, 'admin');
      if (!('checkIn' in outcome)) throw new Error(outcome.result);
      const { id } = outcome.checkIn;
      const device_ids = JSON.stringify([deviceId]);
      await db.write.updateTable('check_ins').set({ device_ids }).where('id', '=', id).execute();
      return id;
    }
    const forget = (before = clock.now() - 90 * dayMs): Promise<number> => forgetLearnedDevices(registry, before);
    const left = async () => (await listDevices(registry, { limit: 500 })).map(({ id }) => id);
    return { clock, db, registry, ledger, learn, checkInWith, forget, left };
  }

  test('are forgotten once no check-in has named them for long, with their addresses, on every node', async () => {
    const { clock, db, learn, forget, left } = await open();
    const id = await learn('01');
    clock.pass(89 * dayMs);
    expect(await forget()).toBe(0);
    clock.pass(2 * dayMs);
    await db.write.deleteFrom('changes').execute();
    expect(await forget()).toBe(1);
    expect(await left()).toEqual([]);
    expect(await db.read.selectFrom('device_addresses').selectAll().execute()).toEqual([]);
    const changes = await db.read.selectFrom('changes').select(['kind', 'key']).orderBy('kind').execute();
    expect(changes).toEqual([
      { kind: 'address', key: expect.any(String) as string },
      { kind: 'device', key: id },
    ]);
  });

  test('stay while a check-in that is open, or was so lately, names them', async () => {
    const { clock, ledger, learn, checkInWith, forget, left } = await open();
    const id = await learn('01');
    const checkIn = await checkInWith(id);
    clock.pass(200 * dayMs);
    expect(await forget()).toBe(0);
    await ledger.checkOut(checkIn, {}, 'admin');
    clock.pass(89 * dayMs);
    expect(await forget()).toBe(0);
    expect(await left()).toEqual([id]);
    clock.pass(2 * dayMs);
    expect(await forget()).toBe(1);
  });

  test('stay when somebody registers them, and are looked at one by one, in steps', async () => {
    const { clock, db, registry, learn, checkInWith, forget, left } = await open();
    const said = await learn('01');
    const used = await learn('02');
    await learn('03');
    await putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: 'mia', name: 'Phone' });
    const times = { created_at: clock.now(), updated_at: clock.now() };
    const device = { customer_id: 'mia', name: null, class: null, origin: 'identity', ...times } as const;
    const more = Array.from({ length: 250 }, (_, at) => Object.assign({ id: `dev_many${at}` }, device));
    await inTransaction(db, (trx) => bulkInsert(trx, kind, 'devices', more));
    clock.pass(100 * dayMs);
    await checkInWith(used);
    expect(await forget()).toBe(251);
    expect((await left()).toSorted()).toEqual([said, used].toSorted());
  });
});
