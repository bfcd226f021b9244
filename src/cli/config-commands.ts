import type { Command } from 'commander';
import { configJsonSchema } from '../config/json-schema.ts';
import type { LoadedConfig } from '../config/load.ts';
import { formatYaml, printableConfig } from '../config/print.ts';
import { formatProblem } from '../config/problem.ts';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import { toTerminalText } from '../runtime/plain-text.ts';
import type { CommandContext, Output } from './context.ts';

export function addConfigCommands(program: Command, context: CommandContext): void {
  const config = program.command('config').description('check or print the configuration');
  withCommonOptions(config.command('check'))
    .description('report every problem of the configuration, and what is likely not meant')
    .action((options: CommonOptions) => check(loadFor(context, options), options, context));
  withCommonOptions(config.command('print'))
    .description('print the complete configuration: defaults filled in, secrets redacted')
    .action((options: CommonOptions) => printConfig(loadFor(context, options), options, context));
  withCommonOptions(config.command('schema'))
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => void context.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));
}

function check({ config, file, warnings }: LoadedConfig, options: CommonOptions, { stdout }: CommandContext): void {
  if (options.json === true) {
    print(stdout, JSON.stringify({ file: file ?? null, problems: [], warnings }));
    return;
  }
  for (const warning of warnings) print(stdout, `warning: ${formatProblem(warning)}`);
  const contents = `${count(config.spaces.length, 'space')}, ${count(config.sources.length, 'source')}`;
  print(stdout, `${file === undefined ? 'no rollcall.yaml; the defaults apply' : `${file} is valid`}: ${contents}`);
}

function printConfig({ config, file }: LoadedConfig, options: CommonOptions, { stdout }: CommandContext): void {
  print(
    stdout,
    options.json === true
      ? JSON.stringify(printableConfig(config))
      : `# ${file ?? 'the defaults'}\n${formatYaml(config).trimEnd()}`,
  );
}

/** Paths and names come from elsewhere. */
function print(stdout: Output, text: string): void {
  stdout.write(`${toTerminalText(text)}\n`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
