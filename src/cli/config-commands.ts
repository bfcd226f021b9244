import type { Command } from 'commander';
import { configJsonSchema } from '../config/json-schema.ts';
import type { LoadedConfig } from '../config/load.ts';
import { formatYaml, printableConfig } from '../config/print.ts';
import { formatProblem } from '../config/problem.ts';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';

export function addConfigCommands(program: Command, context: CommandContext): void {
  const config = program.command('config').description('check or print the configuration');
  withCommonOptions(config.command('check'))
    .description('report every problem of the configuration, and what is likely not meant')
    .action((options: CommonOptions) => check(loadFor(context, options), options, context));
  withCommonOptions(config.command('print'))
    .description('print the complete configuration: defaults filled in, secrets redacted')
    .action((options: CommonOptions) => print(loadFor(context, options), options, context));
  withCommonOptions(config.command('schema'))
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => void context.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));
}

function check({ config, file, warnings }: LoadedConfig, options: CommonOptions, { stdout }: CommandContext): void {
  if (options.json === true) {
    stdout.write(`${JSON.stringify({ file: file ?? null, problems: [], warnings })}\n`);
    return;
  }
  for (const warning of warnings) stdout.write(`warning: ${formatProblem(warning)}\n`);
  const contents = `${count(config.spaces.length, 'space')}, ${count(config.sources.length, 'source')}`;
  stdout.write(`${file === undefined ? 'no rollcall.yaml; the defaults apply' : `${file} is valid`}: ${contents}\n`);
}

function print({ config, file }: LoadedConfig, options: CommonOptions, { stdout }: CommandContext): void {
  if (options.json === true) stdout.write(`${JSON.stringify(printableConfig(config))}\n`);
  else stdout.write(`# ${file ?? 'the defaults'}\n${formatYaml(config)}`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
