import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { UserError } from '../runtime/user-error.ts';
import { openDefaultConfig } from './defaults.ts';
import { interpolate, type Environment } from './interpolate.ts';
import { checkConfig } from './parse.ts';
import { pathProblems, resolvePaths } from './paths.ts';
import { ConfigError, type Problem } from './problem.ts';
import type { Config } from './schema.ts';
import { readSecretFiles, reasonOf } from './secret-files.ts';
import type { Tree } from './tree.ts';
import { configWarnings } from './warnings.ts';

export type LoadOptions = {
  /** From `--config`; then `ROLLCALL_CONFIG`, then `./rollcall.yaml`, then the defaults. */
  readonly file?: string | undefined;
  readonly environment: Environment;
  readonly workingDir: string;
  /** Whether the generated secret of the default configuration may be written to the data directory. */
  readonly mayWrite?: boolean;
};

export type LoadedConfig = {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** The file it came from; absent when there is none and the defaults apply. */
  readonly file?: string;
  /** The file that holds the generated RADIUS secret; only with the defaults. */
  readonly radiusSecretFile?: string;
};

/** Reads the configuration, or makes the default one. Throws a `UserError` that lists every problem with its path. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const named = options.file ?? (options.environment['ROLLCALL_CONFIG'] || undefined);
  const file = resolve(options.workingDir, named ?? 'rollcall.yaml');
  const text = readConfigFile(file, named !== undefined);
  if (text === undefined) {
    const defaults = openDefaultConfig(options.workingDir, options.mayWrite === true);
    return { ...defaults, warnings: configWarnings(defaults.config) };
  }
  const config = parseConfigFile(text, file, options.environment);
  return { config, file, warnings: configWarnings(config) };
}

function readConfigFile(file: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!mustExist && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UserError(
      `cannot read the configuration "${file}" (${reasonOf(error)}); name another with --config FILE`,
    );
  }
}

function parseConfigFile(text: string, file: string, environment: Environment): Config {
  const document = parseYaml(text, file);
  const interpolated = interpolate(document, environment);
  const complete = readSecretFiles(interpolated.tree, dirname(file));
  const checked = checkConfig(complete.tree);
  const config = checked.config === undefined ? undefined : resolvePaths(checked.config, dirname(file));
  const missing = [...interpolated.problems, ...complete.problems];
  const files = config === undefined ? [] : pathProblems(config);
  const problems = [...missing, ...withoutNoise(checked.problems, missing), ...files];
  if (problems.length > 0 || config === undefined) throw new ConfigError(file, problems);
  return config;
}

/** An empty file is an empty configuration. */
function parseYaml(text: string, file: string): Tree {
  const lineCounter = new LineCounter();
  // `prettyErrors` would print lines of the file, and with them its secrets.
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    return { path: `line ${line}, column ${col}`, message };
  });
  if (faults.length > 0) throw new ConfigError(file, faults);
  try {
    return (document.toJS() as Tree) ?? {};
  } catch (error) {
    // An alias without its anchor, or aliases that multiply without end, are found only here.
    throw new ConfigError(file, [{ path: '', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Once a variable is missing or a file unreadable, what the schema says about the same value is noise. */
function withoutNoise(problems: readonly Problem[], missing: readonly Problem[]): readonly Problem[] {
  const reported = new Set(missing.map(({ path }) => path));
  return problems.filter(({ path }) => !reported.has(path) && !reported.has(`${path}File`));
}
