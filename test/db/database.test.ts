import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DatabaseError } from '../../src/db/database-error.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { inRegistryTransaction } from '../../src/db/registry-transaction.ts';
import { inTransaction, nextNumbers } from '../../src/db/transaction.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { UserError } from '../../src/runtime/user-error.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';

describe.each(databaseKinds)('the database on %s', (kind) => {
  const databases = useDatabases(kind);

  test('hands out gapless numbers to concurrent transactions, whatever else fails', async () => {
    const db = await databases.open();
    const failing = async () =>
      await inTransaction(db, async (trx) => {
        await nextNumbers(trx, 'events', 3);
        throw new Error('changed its mind');
      }).catch(() => undefined);
    const taking = () => inTransaction(db, (trx) => nextNumbers(trx, 'events', 2));
    const taken = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 4 === 0 ? failing() : taking())));
    const numbers = taken.filter((first) => first !== undefined).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 15 }, (_, at) => 1 + at * 2));
  });

  test('keeps a transaction to itself until it is committed', async () => {
    const db = await databases.open();
    const { promise: written, resolve } = Promise.withResolvers<void>();
    const { promise: looked, resolve: commit } = Promise.withResolvers<void>();
    const writing = inTransaction(db, async (trx) => {
      await trx.insertInto('settings').values({ key: 'a', value: '1' }).execute();
      resolve();
      await looked;
    });
    await written;
    expect(await db.read.selectFrom('settings').selectAll().execute()).toEqual([]);
    commit();
    await writing;
    expect(await db.read.selectFrom('settings').selectAll().execute()).toEqual([{ key: 'a', value: '1' }]);
  });

  test('says which constraint refused, and that trying again is no use', async () => {
    const db = await databases.open();
    await addCustomer(db, 'mia');
    const orphan = { identity: 'noah@example.org', spelling: 'noah@example.org', customer_id: 'noah' };
    const odd = { name: 'odd' as 'events', value: null as unknown as number };
    await expect(addCustomer(db, 'mia')).rejects.toMatchObject({ constraint: 'unique', retryable: false });
    await expect(db.write.insertInto('identities').values(orphan).execute()).rejects.toMatchObject({
      constraint: 'foreignKey',
    });
    await expect(db.write.insertInto('counters').values(odd).execute()).rejects.toMatchObject({
      constraint: 'notNull',
    });
    await expect(addCheckIn(db, 'x', 'someday')).rejects.toMatchObject({ constraint: 'check' });
    await expect(sql`nonsense`.execute(db.write)).rejects.toBeInstanceOf(DatabaseError);
  });

  test('holds at most one open check-in of a customer in a space, and keeps a customer who has a history', async () => {
    const db = await databases.open();
    await addCustomer(db, 'mia');
    await addCheckIn(db, 'one', 'open');
    await addCheckIn(db, 'two', 'closed');
    await addCheckIn(db, 'three', 'closed');
    await expect(addCheckIn(db, 'four', 'open')).rejects.toMatchObject({ constraint: 'unique' });
    await expect(db.write.deleteFrom('customers').execute()).rejects.toMatchObject({ constraint: 'foreignKey' });
  });

  test('gives numbers as numbers, sums and counts too', async () => {
    const db = await databases.open();
    await addCustomer(db, 'mia');
    await addCheckIn(db, 'one', 'open');
    const row = await db.read
      .selectFrom('check_ins')
      .select((eb) => ['started_at', eb.fn.countAll<number>().as('count'), eb.fn.sum<number>('started_at').as('sum')])
      .groupBy('started_at')
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ started_at: 1_795_510_800_000, count: 1, sum: 1_795_510_800_000 });
    const updated = await db.write.updateTable('check_ins').set({ ended_at: 1 }).executeTakeFirst();
    expect(updated.numUpdatedRows).toBe(1n);
  });

  test('takes text of any script, and JavaScript that is not', async () => {
    const db = await databases.open();
    const value = `'; drop table settings; -- ﷽ 👩‍🚀 \u202e`;
    await db.write.insertInto('settings').values({ key: 'odd', value }).execute();
    expect(await db.read.selectFrom('settings').select('value').execute()).toEqual([{ value }]);
  });

  test('is migrated once, however often it is opened', async () => {
    const config = await databases.createConfig();
    const options = { migrate: true, clock: systemClock, onError: () => undefined };
    const all = await Promise.all([openDatabase(config, options), openDatabase(config, options)]);
    expect(await migrate(all[0], systemClock)).toEqual([]);
    for (const db of all) await db[Symbol.asyncDispose]();
    await using again = await openDatabase(config, { ...options, migrate: false });
    expect(again.kind).toBe(kind);
  });

  test('refuses a schema that is newer than the program, and says so', async () => {
    const config = await databases.createConfig();
    const options = { migrate: true, clock: systemClock, onError: () => undefined };
    const db = await openDatabase(config, options);
    await sql`insert into migrations values ('9999-flying-cars', 0)`.execute(db.write);
    await db[Symbol.asyncDispose]();
    await expect(openDatabase(config, options)).rejects.toThrow(/newer Rollcall .*9999-flying-cars/u);
    await expect(openDatabase(config, { ...options, migrate: false })).rejects.toBeInstanceOf(UserError);
  });

  test('asks for a migration where a command must not do it by itself', async () => {
    const config = await databases.createConfig();
    const opening = openDatabase(config, { migrate: false, clock: systemClock, onError: () => undefined });
    await expect(opening).rejects.toThrow(/rollcall migrate/u);
  });

  test('writes what changed in the registry with the change itself, and tells this process', async () => {
    const db = await databases.open();
    let told = 0;
    db.registryChanged.on(() => (told += 1));
    await inRegistryTransaction(db, systemClock, async (_trx, note) => {
      note('customer', 'mia');
      note('address', 'x');
    });
    const failing = inRegistryTransaction(db, systemClock, async (_trx, note) => {
      note('customer', 'noah');
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    await inRegistryTransaction(db, systemClock, async (_trx, note) => note('token', 't'));
    const changes = await db.read.selectFrom('changes').select(['sequence', 'key']).orderBy('sequence').execute();
    expect(changes.map(({ sequence, key }) => [sequence, key])).toEqual([
      [1, 'mia'],
      [2, 'x'],
      [3, 't'],
    ]);
    expect(told).toBe(2);
  });

  test('answers a ping, and no query after it was closed', async () => {
    const config = await databases.createConfig();
    const db = await openDatabase(config, { migrate: true, clock: systemClock, onError: () => undefined });
    await db.ping();
    await db[Symbol.asyncDispose]();
    await expect(db.ping()).rejects.toThrow(/destroyed/u);
  });
});

async function addCustomer(db: Database, id: string) {
  const row = { id, name: id, email: null, plan_id: null, active: 1, opted_in: null, share_name: 0 } as const;
  await db.write
    .insertInto('customers')
    .values({ ...row, data_key: '', created_at: 0, updated_at: 0 })
    .execute();
}

async function addCheckIn(db: Database, id: string, state: string) {
  const at = Date.UTC(2026, 10, 24, 9);
  await db.write
    .insertInto('check_ins')
    .values({
      id,
      customer_id: 'mia',
      space_id: 'hq',
      visit_id: null,
      state: state as 'open',
      method: 'wifi',
      methods: '["wifi"]',
      started_at: at,
      ended_at: null,
      last_activity_at: at,
      detected_at: null,
      check_out_method: null,
      check_out_reason: null,
      failure_reason: null,
      pass_id: null,
      plan_id: null,
      device_ids: '[]',
      created_at: at,
      updated_at: at,
    })
    .execute();
}
