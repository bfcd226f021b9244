import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { toTerminalText } from '../runtime/plain-text.ts';
import { addAuditCommands } from './audit-command.ts';
import { addConfigCommands } from './config-commands.ts';
import type { CommandContext } from './context.ts';
import { addDemoCommand } from './demo-command.ts';
import { addDeviceCommands } from './device-commands.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addServeCommand } from './serve-command.ts';
import { addTokenCommands } from './token-commands.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Every command. Each loads what it needs when it runs, so that `--help` needs nothing. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('rollcall')
    .description('Checks people into a space because they joined its Wi-Fi, and out when they are gone.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      // It quotes what was typed, or pasted.
      writeErr: (text) => void context.stderr.write(toTerminalText(text)),
    });
  addServeCommand(program, context);
  addDemoCommand(program, context);
  addConfigCommands(program, context);
  addTokenCommands(program, context);
  addDeviceCommands(program, context);
  addMigrateCommand(program, context);
  addAuditCommands(program, context);
  return program;
}
