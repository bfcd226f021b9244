import { sql } from 'kysely';
import { statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { ledgerFile } from '../../src/db/sqlite/open.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { UserError } from '../../src/runtime/user-error.ts';
import { useDatabases } from '../support/databases.ts';
import { TempDir } from '../support/temp-dir.ts';

const databases = useDatabases('sqlite');
const options = { migrate: true, clock: systemClock, onError: () => undefined };

test('commits are on the disk before they are reported, and deleted rows are overwritten', async () => {
  const db = await databases.open();
  const pragma = async (name: string) =>
    Object.values((await sql`pragma ${sql.raw(name)}`.execute(db.write)).rows[0] as object)[0];
  expect(await pragma('journal_mode')).toBe('wal');
  expect(await pragma('synchronous')).toBe(2);
  expect(await pragma('foreign_keys')).toBe(1);
  expect(await pragma('secure_delete')).toBe(1);
});

test('the reader cannot write, and does not wait for a writer', async () => {
  const db = await databases.open();
  await expect(db.read.deleteFrom('settings').execute()).rejects.toThrow(/readonly/u);
  await db.write.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ key: 'a', value: '1' }).execute();
    expect(await db.read.selectFrom('settings').selectAll().execute()).toEqual([]);
  });
});

test('the ledger belongs to its user alone', async () => {
  await using dir = new TempDir();
  await using db = await openDatabase({ dataDir: dir.file('data') }, options);
  await db.ping();
  expect(statSync(dir.file('data')).mode & 0o777).toBe(0o700);
  for (const suffix of ['', '-wal', '-shm']) {
    expect(statSync(dir.file('data', ledgerFile + suffix)).mode & 0o777).toBe(0o600);
  }
});

test('a file that is no ledger is refused with what to do, and stays as it was', async () => {
  await using dir = new TempDir();
  const content = 'not a database at all, but long enough to have a header. '.repeat(40);
  writeFileSync(dir.file(ledgerFile), content);
  const opening = openDatabase({ dataDir: dir.path }, options);
  await expect(opening).rejects.toThrow(/damaged or no ledger.*restore a backup/u);
  await expect(opening).rejects.toBeInstanceOf(UserError);
  expect(statSync(dir.file(ledgerFile)).size).toBe(content.length);
});

test('a data directory that cannot be made is refused with what to do', async () => {
  await using dir = new TempDir();
  writeFileSync(dir.file('taken'), '');
  await expect(openDatabase({ dataDir: dir.file('taken') }, options)).rejects.toThrow(/cannot open the ledger/u);
});

test('a write that fails in a transaction leaves the connection usable', async () => {
  const db = await databases.open();
  const failing = db.write.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ key: 'a', value: '1' }).execute();
    await sql`rollback`.execute(trx);
    await sql`nonsense`.execute(trx);
  });
  await expect(failing).rejects.toThrow(/nonsense/u);
  await db.write.insertInto('settings').values({ key: 'a', value: '2' }).execute();
  expect(await db.read.selectFrom('settings').select('value').execute()).toEqual([{ value: '2' }]);
});
