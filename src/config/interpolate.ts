import type { Problem } from './problem.ts';
import { mapText, problemAt, type Tree } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` by the environment variable. It works on texts of the parsed document and not on the file, so
 * that nothing in a variable can change the document's shape. `$${NAME}` stays as `${NAME}`.
 */
export function interpolate(tree: Tree, environment: Environment): { tree: Tree; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const replaced = mapText(tree, (text, path) =>
    text.replaceAll(/(\$?)\$\{([^}]*)\}/g, (whole, escape: string, name: string) => {
      if (escape !== '') return whole.slice(1);
      const value = environment[name];
      if (value === undefined) problems.push(problemAt(path, missing(name)));
      return value ?? '';
    }),
  );
  return { tree: replaced, problems };
}

function missing(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? `the environment variable ${name} is not set`
    : `"\${${name}}" is not the name of an environment variable; write $\${ for a literal \${`;
}
