import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Problem } from './problem.ts';
import { isSecretField } from './section.ts';
import { mapMappings, problemAt, type Tree } from './tree.ts';

/** A secret is a line of text; what is larger is the wrong file. */
const maxBytes = 64 * 1024;

/** Replaces each `secretFile: path` by `secret:` with what the file holds, without the white space around it. */
export function readSecretFiles(tree: Tree, baseDir: string): { tree: Tree; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const replaced = mapMappings(tree, (mapping, path) => {
    const result: Record<string, Tree> = {};
    for (const [key, value] of Object.entries(mapping)) {
      const field = key.replace(/File$/, '');
      if (field === key || !isSecretField(field)) {
        result[key] = value;
        continue;
      }
      const content = typeof value === 'string' ? readSecretFile(resolve(baseDir, value)) : notAPath;
      if (field in mapping) problems.push(problemAt([...path, key], `give either ${field} or ${key}, not both`));
      else if ('problem' in content) problems.push(problemAt([...path, key], content.problem));
      // With a problem reported, the field still counts as given, so that it is not reported as missing too.
      result[field] ??= 'problem' in content ? 'unreadable' : content.secret;
    }
    return result;
  });
  return { tree: replaced, problems };
}

const notAPath = { problem: 'must be the path of a file' };

function readSecretFile(file: string): { secret: string } | { problem: string } {
  try {
    if (statSync(file).size > maxBytes) return { problem: `the file "${file}" is too large to be a secret` };
    const secret = readFileSync(file, 'utf8').trim();
    return secret === '' ? { problem: `the file "${file}" is empty` } : { secret };
  } catch (error) {
    return { problem: `cannot read the file "${file}" (${reasonOf(error)})` };
  }
}

/** What the system said, in words: `no such file`, `permission denied`, or its code. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return (code === undefined ? undefined : reasons[code]) ?? code ?? String(error);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'no such file',
  ENOTDIR: 'part of the path is not a directory',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};
