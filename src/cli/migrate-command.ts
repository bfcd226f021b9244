import type { Command } from 'commander';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';
import { openLedger } from './open-ledger.ts';

export function addMigrateCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command('migrate'))
    .description('bring the database up to date; serve does the same when it starts')
    .action((options: CommonOptions) => migrate(options, context));
}

async function migrate(options: CommonOptions, context: CommandContext): Promise<void> {
  const { config } = loadFor(context, options);
  await using database = await openLedger(config, context);
  const { kind } = database;
  context.stdout.write(
    options.json === true ? `${JSON.stringify({ kind })}\n` : `the ${kind} database is up to date\n`,
  );
}
