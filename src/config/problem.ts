import { UserError } from '../runtime/user-error.ts';

/** One thing wrong with a configuration, and where. The path is empty for the whole of it. */
export type Problem = { readonly path: string; readonly message: string };

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends UserError {
  readonly problems: readonly Problem[];

  constructor(origin: string, problems: readonly Problem[]) {
    super(
      `${headline(origin, problems.length)}\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

export function formatProblem({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** `['sources', 0, 'clients', 1, 'secret']` -> `sources[0].clients[1].secret`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

function headline(origin: string, count: number): string {
  return count === 1 ? `${origin} has a problem:` : `${origin} has ${count} problems:`;
}
