import type { Config } from '../config/schema.ts';
import { formatProblem } from '../config/problem.ts';
import type { Database } from '../db/database.ts';
import { systemClock } from '../runtime/clock.ts';
import type { CommandContext } from './context.ts';

/** The ledger for a command, up to date: `token create` is often the first thing run in an empty data directory. */
export async function openLedger(config: Config, { stderr }: CommandContext): Promise<Database> {
  const { openDatabase } = await import('../db/database.ts');
  return openDatabase(
    { dataDir: config.dataDir, databaseUrl: config.databaseUrl?.reveal() },
    {
      migrate: true,
      clock: systemClock,
      onError: (error) => void stderr.write(`${formatProblem({ path: 'database', message: error.message })}\n`),
    },
  );
}
