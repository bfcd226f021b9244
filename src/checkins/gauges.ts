import type { Database } from '../db/database.ts';

/** How many are checked in, by space. */
export async function countPresent(db: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await db.read
    .selectFrom('check_ins')
    .select((eb) => ['space_id', eb.fn.countAll<number>().as('count')])
    .where('state', '=', 'open')
    .groupBy('space_id')
    .execute();
  return new Map(rows.map((row) => [row.space_id, row.count]));
}
