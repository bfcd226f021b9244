import { masterKeyFile } from '../config/paths.ts';
import type { Config } from '../config/schema.ts';
import { formatProblem } from '../config/problem.ts';
import type { Database } from '../db/database.ts';
import { systemClock } from '../runtime/clock.ts';
import { toTerminalText } from '../runtime/plain-text.ts';
import type { CommandContext } from './context.ts';

/**
 * The ledger for a command, up to date: `token create` is often the first thing run in an empty data directory. With the
 * master key, for commands that change something or read the audit log: nothing is changed without a line in it.
 */
export async function openLedger(
  config: Config,
  { stderr }: CommandContext,
  { withKey = false }: { readonly withKey?: boolean } = {},
): Promise<Database> {
  const { openDatabase } = await import('../db/database.ts');
  await using stack = new AsyncDisposableStack();
  const db = stack.use(
    await openDatabase(
      { dataDir: config.dataDir, databaseUrl: config.databaseUrl?.reveal() },
      {
        migrate: true,
        clock: systemClock,
        onError: (error) =>
          void stderr.write(`${toTerminalText(formatProblem({ path: 'database', message: error.message }))}\n`),
      },
    ),
  );
  if (withKey) await openAudit(db, config);
  stack.move();
  return db;
}

async function openAudit(db: Database, config: Config): Promise<void> {
  const { AddressVault } = await import('../identity/address-vault.ts');
  const { createAuditKeys } = await import('../identity/audit-keys.ts');
  const { openMasterKey } = await import('../identity/master-key.ts');
  const masterKey = await openMasterKey(db, masterKeyFile(config));
  db.audit.open(createAuditKeys(masterKey, new AddressVault(masterKey)), systemClock);
}
