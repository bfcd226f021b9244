import type { z } from 'zod';
import { unknownNameMessage } from './nearest-name.ts';
import { ConfigError, formatPath, type Problem } from './problem.ts';
import { referenceProblems } from './references.ts';
import { configSchema, type Config, type ConfigInput } from './schema.ts';
import { Secret } from './secret.ts';

/** Checks a configuration that is already in memory, and completes and freezes it. Throws `ConfigError`. */
export function parseConfig(input: ConfigInput, origin = 'the configuration'): Config {
  const result = checkConfig(input);
  if (result.problems.length > 0 || result.config === undefined) throw new ConfigError(origin, result.problems);
  return result.config;
}

export type CheckResult = { readonly config?: Config; readonly problems: readonly Problem[] };

/** All problems that the values themselves show: shape first, then what one entry says about another. */
export function checkConfig(input: unknown): CheckResult {
  const result = configSchema.safeParse(input, { error: (issue) => issueMessage(issue) });
  const problems = [...(result.error?.issues.flatMap(toProblems) ?? []), ...referenceProblems(input)];
  return result.success ? { config: deepFreeze(result.data) as Config, problems } : { problems };
}

/** One problem for each line of the message: `section` gives one line per unknown key. */
function toProblems(issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(issue.path), message: issue.message }];
  const lines = issue.message.split('\n');
  return issue.keys.map((key, index) => ({
    path: formatPath([...issue.path, key]),
    message: lines[index] ?? issue.message,
  }));
}

/** Messages in the words of the file, not of the schema. None repeats a value that could be secret. */
function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return typeMessage(issue.input, issue.expected);
  if (issue.code === 'invalid_value') {
    if (issue.input === undefined) return 'is missing';
    return unknownNameMessage('value', issue.input, issue.values.map(String));
  }
  if (issue.code === 'too_small') {
    return issue.origin === 'array' ? 'must have at least one entry' : `must be at least ${issue.minimum}`;
  }
  if (issue.code === 'too_big') {
    return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
  }
  return undefined;
}

function typeMessage(input: unknown, expected: string): string {
  if (input === undefined) return 'is missing';
  if (input === null) return 'is empty; give it a value or leave the key out';
  if (expected === 'string' && typeof input !== 'object') return 'must be text; put it in quotes';
  return `must be ${typeNames[expected] ?? expected}`;
}

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a section with keys',
  string: 'text',
};

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
