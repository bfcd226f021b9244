import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { isPlainText } from '../runtime/plain-text.ts';
import type { CommandContext } from './context.ts';

/** The options that every command takes. */
export type CommonOptions = { readonly config?: string; readonly json?: boolean };

export function withCommonOptions(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration (default: $ROLLCALL_CONFIG, or ./rollcall.yaml)')
    .option('--json', 'output for programs');
}

export function loadFor(context: CommandContext, options: CommonOptions, mayWrite = false): LoadedConfig {
  const { environment, workingDir } = context;
  return loadConfig({ file: options.config, environment, workingDir, mayWrite });
}

/** For options that may be repeated: `--space hq --space annex`. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** One line of text, for names. */
export function plainText(value: string): string {
  if (value.trim() !== '' && isPlainText(value)) return value.trim();
  throw new InvalidArgumentError('It must be one line of text, without control or invisible characters.');
}

export function positiveNumber(value: string): number {
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number))) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}
