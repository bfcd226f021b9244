import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema, type Config, type ConfigInput } from './schema.ts';

/** The complete configuration in the spelling of the file, every default filled in and every secret redacted. */
export function printableConfig(config: Config): ConfigInput {
  return z.encode(configSchema, config as z.output<typeof configSchema>);
}

export function formatYaml(config: Config): string {
  return stringify(printableConfig(config), { lineWidth: 120 });
}
