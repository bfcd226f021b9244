import { z } from 'zod';
import { suggestion } from './nearest-name.ts';

/**
 * An object of the file. Keys it does not know are errors that suggest the nearest one it does; keys of a part
 * that is described but not built yet are refused as such, rather than accepted and without effect.
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape, notYetAvailable: readonly string[] = []) {
  const names = Object.keys(shape);
  const known = names.concat(names.filter(isSecretField).map((name) => `${name}File`));
  return z.strictObject(shape, {
    // One line per key; `toProblems` gives each line its own path.
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .map((key) => (notYetAvailable.includes(key) ? notAvailable : `unknown key; ${suggestion(key, known)}`))
            .join('\n')
        : undefined,
  });
}

export const notAvailable = 'is not available in this version';

/** Fields that hold a secret. Each has a twin, `secretFile`, that names a file to read it from. */
export const secretFields = ['redisUrl', 'databaseUrl', 'adminToken', 'secret', 'previousSecret'] as const;

export function isSecretField(name: string): boolean {
  return (secretFields as readonly string[]).includes(name);
}
