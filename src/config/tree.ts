import { formatPath, type Problem } from './problem.ts';

/** A parsed YAML document: what is known of it before the schema has looked. */
export type Tree = unknown;

export type Path = readonly (string | number)[];

export function isMapping(tree: Tree): tree is Readonly<Record<string, Tree>> {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

/** The tree with each text replaced by what `replace` makes of it. */
export function mapText(tree: Tree, replace: (text: string, path: Path) => string, path: Path = []): Tree {
  if (typeof tree === 'string') return replace(tree, path);
  if (Array.isArray(tree)) return tree.map((item, index) => mapText(item, replace, [...path, index]));
  return isMapping(tree) ? mapEntries(tree, (key, value) => [key, mapText(value, replace, [...path, key])]) : tree;
}

/** The tree with each mapping in it, innermost first, replaced by what `replace` makes of it. */
export function mapMappings(
  tree: Tree,
  replace: (mapping: Readonly<Record<string, Tree>>, path: Path) => Tree,
  path: Path = [],
): Tree {
  if (Array.isArray(tree)) return tree.map((item, index) => mapMappings(item, replace, [...path, index]));
  if (!isMapping(tree)) return tree;
  return replace(
    mapEntries(tree, (key, value) => [key, mapMappings(value, replace, [...path, key])]),
    path,
  );
}

export function problemAt(path: Path, message: string): Problem {
  return { path: formatPath(path), message };
}

function mapEntries(mapping: Readonly<Record<string, Tree>>, map: (key: string, value: Tree) => [string, Tree]) {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => map(key, value)));
}
