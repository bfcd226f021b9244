import { z } from 'zod';
import { customerIdPattern } from '../identity/device-fields.ts';
import { isPlainText, plainTextRule } from '../runtime/plain-text.ts';

/** The kinds of value that calls are made of. `decode` reads what the caller sends, `encode` writes what we answer. */

/** An id as interface.md has it, case-folded, so that `HQ` and `hq` name the same space. */
export const id = z
  .string()
  .trim()
  .toLowerCase()
  .regex(
    customerIdPattern,
    'must be 1 to 128 characters: a letter or digit, then letters, digits, or any of . _ @ + -',
  );

/** One line of text for people. What is no text is refused here, so that nothing behind it has to be afraid of a name. */
export function line(longest: number) {
  return z.string().trim().min(1, 'must not be empty').max(longest).refine(isPlainText, plainTextRule);
}

/** An id that we made ourselves: opaque, and compared as it is. */
export const opaqueId = z.string().regex(/^[\w.-]{1,128}$/, 'is not an id of ours');

/** ISO 8601 with any offset on the way in, UTC with milliseconds on the way out, epoch milliseconds inside. */
export const instant = z
  .codec(
    z.iso.datetime({ offset: true, error: 'must be an ISO 8601 instant such as 2026-11-24T09:00:00.000Z' }),
    z.number(),
    {
      decode: (text) => Date.parse(text),
      encode: (at) => new Date(at).toISOString() as `${string}Z`,
    },
  )
  .meta({ description: 'An instant, ISO 8601' });

const limitError = 'must be a whole number from 1 to 500';
export const limit = z.coerce
  .number(limitError)
  .int(limitError)
  .min(1, limitError)
  .max(500, limitError)
  .default(50)
  .describe('How many items at most');

export const cursor = z.string().min(1).max(1000).optional().describe('`nextCursor` of the page before');

export const page = { limit, cursor } as const;

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('`cursor` of the next page; null on the last one'),
  });
}
