import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { openMasterKey } from '../../src/identity/master-key.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TempDir } from '../support/temp-dir.ts';

/** A folder with a configuration and a ledger that knows Mia, for the commands of one file of tests. */
export function useLedger(fill: (registry: Registry) => Promise<void> = async () => undefined) {
  const dir = new TempDir();
  const config = dir.file('rollcall.yaml');
  beforeAll(async () => {
    await writeFile(config, 'spaces: [{ id: hq }]\n');
    const options = { migrate: true, clock: systemClock, onError: () => undefined };
    await using db = await openDatabase({ dataDir: dir.file('data') }, options);
    const vault = new AddressVault(await openMasterKey(db, dir.file('data', 'keys', 'master.key')));
    const registry = { db, clock: systemClock, vault };
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await fill(registry);
  });
  afterAll(() => dir[Symbol.asyncDispose]());
  return { dir: dir.path, config };
}
