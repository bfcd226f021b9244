import type { z } from 'zod';
import { fieldProblem } from './problem.ts';

/** The place after which the next page begins, opaque to callers. */
export function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

export function decodeCursor<Schema extends z.ZodType>(
  schema: Schema,
  cursor: string | undefined,
): z.output<Schema> | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw fieldProblem(400, 'invalidRequest', 'cursor', 'is not a nextCursor of this list');
  }
}

/**
 * A page of a list. `rows` were asked for with one more than `limit`, so that the last page is known to be the last;
 * `placeOf` gives the place of the row that the next page begins after.
 */
export function toPage<Row>(rows: readonly Row[], limit: number, placeOf: (row: Row) => unknown) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null };
}
