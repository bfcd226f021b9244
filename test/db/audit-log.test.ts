import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { verifyAudit } from '../../src/db/audit-chain.ts';
import { inRegistryTransaction } from '../../src/db/registry-transaction.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { deleteDevice, putDevice } from '../../src/identity/devices.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { actingAs } from '../../src/runtime/actor.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const phone = mac('00-00-5E-00-53-01');

describe.each(databaseKinds)('the audit log on %s', (kind) => {
  const databases = useDatabases(kind);
  let registry: Registry;
  beforeEach(async () => {
    registry = createRegistry(await databases.open());
  });

  const as = <T>(action: string | undefined, work: () => Promise<T>) =>
    actingAs({ id: 'tok_1', role: 'platform', action }, work);
  const write = async (count: number) => {
    for (let made = 0; made < count; made += 1) {
      await as('customer.put', () => putCustomer(registry, 'mia', { name: `Mia ${made}` }));
    }
  };
  const verify = async (expected?: { readonly sequence: number; readonly hash: string }) =>
    await verifyAudit({ db: registry.db.read, sign: registry.db.audit.keys.sign, expected });
  const rows = async () => await registry.db.read.selectFrom('audit').selectAll().orderBy('sequence').execute();

  test('is one chain without gaps, whoever writes at once', async () => {
    await Promise.all([write(4), write(4), write(4)]);
    const all = await rows();
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
    expect(await verify()).toEqual({ lines: 12, last: { sequence: 12, hash: all.at(-1)?.hash } });
    expect(await verify({ sequence: 3, hash: all[2]?.hash ?? '' })).not.toHaveProperty('broken');
  });

  test('refuses to be changed, deleted or emptied, and its anchor to go back', async () => {
    await write(2);
    const { write: db } = registry.db;
    await expect(db.updateTable('audit').set({ actor: 'x' }).execute()).rejects.toThrow(/append-only/u);
    await expect(db.deleteFrom('audit').execute()).rejects.toThrow(/append-only/u);
    await expect(db.deleteFrom('audit_anchor').execute()).rejects.toThrow(/append-only/u);
    await expect(db.updateTable('audit_anchor').set({ hash: 'x' }).execute()).rejects.toThrow(/append-only/u);
    expect(await verify()).toMatchObject({ lines: 2 });
  });

  test('tells which line somebody has changed, removed, made up or cut off, who got around the database', async () => {
    await write(5);
    const all = await rows();
    const { write: db } = registry.db;
    const on = kind === 'sqlite' ? sql`` : sql` on audit`;
    for (const trigger of ['audit_no_update', 'audit_no_delete'])
      await sql`drop trigger ${sql.ref(trigger)}${on}`.execute(db);
    const third = all[2] as (typeof all)[number];
    await db.updateTable('audit').set({ actor: 'tok_2' }).where('sequence', '=', 3).execute();
    expect((await verify()).broken).toEqual({ sequence: 3, reason: 'it is not what Rollcall has written' });
    await db.deleteFrom('audit').where('sequence', '=', 3).execute();
    expect((await verify()).broken).toEqual({ sequence: 3, reason: 'the line is missing' });
    await db
      .insertInto('audit')
      .values({ ...third, previous_hash: all[0]?.hash ?? '' })
      .execute();
    expect((await verify()).broken).toEqual({ sequence: 3, reason: 'it does not follow the line before it' });
    await db.deleteFrom('audit').where('sequence', '>=', 3).execute();
    expect((await verify()).broken).toEqual({ sequence: 3, reason: 'the line is missing' });
    // With the counter too, only a line that was noted elsewhere tells.
    await db.updateTable('counters').set({ value: 2 }).where('name', '=', 'audit').execute();
    expect(await verify()).not.toHaveProperty('broken');
    expect((await verify({ sequence: 5, hash: all[4]?.hash ?? '' })).broken?.sequence).toBe(3);
    // And what was not moved by retention was not removed by it.
    await db
      .updateTable('audit_anchor')
      .set({ sequence: 1, hash: all[0]?.hash ?? '' })
      .execute();
    await db.deleteFrom('audit').where('sequence', '=', 1).execute();
    expect((await verify()).broken).toEqual({ sequence: 1, reason: 'the anchor of the log was not moved by Rollcall' });
  });

  test('goes on after a line that was removed, and says where', async () => {
    await write(2);
    const { write: db } = registry.db;
    await sql`drop trigger audit_no_delete${kind === 'sqlite' ? sql`` : sql` on audit`}`.execute(db);
    await db.deleteFrom('audit').where('sequence', '=', 2).execute();
    await write(1);
    expect((await verify()).broken).toEqual({ sequence: 2, reason: 'the line is missing' });
  });

  test('knows of a change that nobody has described, by what it notes', async () => {
    await write(1);
    await putDevice(registry, phone, { customerId: 'mia' });
    const device = await registry.db.read.selectFrom('devices').select('id').executeTakeFirstOrThrow();
    await as('device.import', () =>
      inRegistryTransaction(registry.db, systemClock, async (_trx, note) => {
        note('device', device.id);
        note('address', 'x');
        note('token', 'tok_9');
      }),
    );
    const found = (await rows()).slice(1).map(({ action, object_id, subject }) => [action, object_id, subject]);
    const { subjectOf } = registry.db.audit.keys;
    expect(found).toEqual([
      ['device.import', device.id, subjectOf('mia')],
      ['device.import', 'tok_9', null],
    ]);
  });

  test('has no line of what the service does by itself, and lets nobody change anything without a name for it', async () => {
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await putDevice(registry, phone, { customerId: 'mia' });
    await expect(as(undefined, () => deleteDevice(registry, phone))).rejects.toThrow(/no name in the audit log/u);
    expect(await rows()).toEqual([]);
    expect(await registry.db.read.selectFrom('devices').select('id').execute()).toHaveLength(1);
  });

  test('tells of a customer who is erased in the same transaction, and leaves nothing to open', async () => {
    await write(1);
    await as('customer.erased', () =>
      inRegistryTransaction(registry.db, systemClock, async (trx, note, audit) => {
        await trx.deleteFrom('customers').where('id', '=', 'mia').execute();
        note('customer', 'mia');
        audit({ customerId: 'mia', details: { name: 'Mia' } });
      }),
    );
    const [put, erased] = await rows();
    expect(erased).toMatchObject({ action: 'customer.erased', subject: put?.subject, sealed: null });
    expect(await registry.db.read.selectFrom('audit_subjects').selectAll().execute()).toEqual([]);
    expect(await verify()).toMatchObject({ lines: 2 });
  });
});

describe('the audit log on PostgreSQL', () => {
  const databases = useDatabases('postgres');

  test('refuses to be truncated', async () => {
    const { write } = await databases.open();
    for (const table of ['audit', 'audit_anchor']) {
      await expect(sql`truncate ${sql.table(table)}`.execute(write)).rejects.toThrow(/append-only/u);
    }
  });
});
