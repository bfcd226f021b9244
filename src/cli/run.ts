import { CommanderError } from 'commander';
import { asConsole } from './console-actor.ts';
import { toTerminalText } from '../runtime/plain-text.ts';
import type { CommandContext } from './context.ts';
import { failureOf } from './failure.ts';
import { createProgram } from './program.ts';

/** Runs one command. 0: done; 1: failed, and said why; 2: not understood. */
export async function run(args: readonly string[], context: CommandContext): Promise<0 | 1 | 2> {
  try {
    await asConsole(undefined, () => createProgram(context).parseAsync([...args], { from: 'user' }));
    return 0;
  } catch (error) {
    // Commander has already written the help, or what it did not understand.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { details = [], ...failure } = failureOf(error);
    if (args.includes('--json')) context.stdout.write(`${toTerminalText(JSON.stringify(failure))}\n`);
    else context.stderr.write(`rollcall: ${[failure.error, ...details].map(toTerminalText).join('\n  ')}\n`);
    return 1;
  }
}
