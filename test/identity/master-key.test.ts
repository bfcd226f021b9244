import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openMasterKey } from '../../src/identity/master-key.ts';
import { UserError } from '../../src/runtime/user-error.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { TempDir } from '../support/temp-dir.ts';

describe.each(databaseKinds)('the master key of a ledger on %s', (kind) => {
  const databases = useDatabases(kind);

  test('is made on the first start, for this user alone, and is the same on the next', async () => {
    await using dir = new TempDir();
    const db = await databases.open();
    const file = dir.file('keys', 'master.key');
    const first = await openMasterKey(db, file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir.file('keys'))).toEqual(['master.key']);
    const second = await openMasterKey(db, file);
    expect(second.derive('a')).toEqual(first.derive('a'));
    expect(second.derive('a')).not.toEqual(first.derive('b'));
  });

  test('two nodes that start at once with one file have one key', async () => {
    await using dir = new TempDir();
    const db = await databases.open();
    const keys = await Promise.all([1, 2, 3].map(() => openMasterKey(db, dir.file('master.key'))));
    expect(new Set(keys.map((key) => key.derive('a').toString('hex'))).size).toBe(1);
  });

  test('is not made anew for a ledger that was written with one', async () => {
    await using dir = new TempDir();
    const db = await databases.open();
    const file = dir.file('master.key');
    await openMasterKey(db, file);
    rmSync(file);
    await expect(openMasterKey(db, file)).rejects.toThrow(/no master key at .* put it back/u);
    expect(readdirSync(dir.path)).toEqual([]);
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
    await expect(openMasterKey(db, file)).rejects.toThrow(/not the one that this ledger was written with/u);
  });

  test('may be base64, must be 32 bytes, and must not be open to everybody', async () => {
    await using dir = new TempDir();
    const db = await databases.open();
    const file = dir.file('master.key');
    const key = randomBytes(32);
    for (const content of ['', 'short', randomBytes(31)]) {
      writeFileSync(file, content, { mode: 0o600 });
      await expect(openMasterKey(db, file)).rejects.toThrow(/32 bytes/u);
    }
    writeFileSync(file, key);
    const raw = await openMasterKey(db, file);
    writeFileSync(file, `${key.toString('base64')}\n`);
    expect((await openMasterKey(db, file)).derive('a')).toEqual(raw.derive('a'));
    chmodSync(file, 0o644);
    await expect(openMasterKey(db, file)).rejects.toThrow(/chmod 600/u);
    await expect(openMasterKey(db, file)).rejects.toBeInstanceOf(UserError);
  });
});
