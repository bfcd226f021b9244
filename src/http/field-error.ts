import type { FastifySchemaValidationError } from 'fastify';
import type { FieldError } from './problem.ts';

/** Fields that interface.md names and a later version takes; saying so is kinder than calling them unknown. */
const laterFields: ReadonlySet<string> = new Set(['pin', 'planId', 'amount']);

const notAvailable = 'is not available in this version';

/**
 * The schema's issues as entries of a problem. The path (`observations[3].mac`) is counted from the body, the query or
 * the path of the call; an unknown field gets an entry under its own name.
 */
export function fieldErrors(
  issues: readonly FastifySchemaValidationError[],
  context: string | undefined,
): readonly FieldError[] {
  return issues.slice(0, 50).flatMap((issue) => {
    const path = issue.instancePath.split('/').filter((part) => part !== '');
    const keys = issue.params['keys'];
    if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys)) {
      return keys.map((key) => unknownField([...path, String(key).slice(0, 100)], context));
    }
    return [{ path: formatPath(path) || (context ?? 'body'), message: messageOf(issue) }];
  });
}

function unknownField(path: readonly string[], context: string | undefined): FieldError {
  const known = context === 'body' && laterFields.has(path.at(-1) ?? '');
  const what = context === 'querystring' ? 'is not a parameter of this call' : 'is not a field of this call';
  return { path: formatPath(path), message: known ? notAvailable : what };
}

/** A number names an entry of a list; no field of ours is called by one. */
function formatPath(path: readonly string[]): string {
  return path.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
}

/** The schema library's sentences, in the form that follows a path and a colon. */
function messageOf({ message = 'is invalid' }: FastifySchemaValidationError): string {
  if (/expected .*, received undefined$/.test(message)) return 'is required';
  const sentence = message.replace(/^Invalid input: /, '');
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}
