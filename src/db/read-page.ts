import { sql, type SelectQueryBuilder } from 'kysely';
import type { Database } from './database.ts';

/**
 * The rows of a query, for reading a large table page by page: they travel as one JSON array per column. Between threads
 * that costs a third of what a row at a time does, most of it saved in the thread that asks, which is the one that
 * answers the network. `columns` are those of the query, whose order the rows keep.
 */
export async function readPage<Schema, Table extends keyof Schema, Row extends object>(
  db: Database,
  query: SelectQueryBuilder<Schema, Table, Row>,
  columns: readonly (keyof Row & string)[],
): Promise<Row[]> {
  const collect = sql.raw(db.kind === 'sqlite' ? 'json_group_array' : 'json_agg');
  const arrays = sql.join(columns.map((column) => sql`${collect}(${sql.ref(column)}) as ${sql.ref(column)}`));
  const { rows } = await sql<Record<string, unknown>>`select ${arrays} from (${query}) as page`.execute(db.read);
  const values = columns.map((column) => toArray(rows[0]?.[column]));
  return Array.from({ length: values[0]?.length ?? 0 }, (_, row) => {
    const object: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at++) object[columns[at] as string] = values[at]?.[row];
    return object as Row;
  });
}

/** SQLite has JSON as text; PostgreSQL's driver has parsed it, and has null for no rows. */
function toArray(column: unknown): readonly unknown[] {
  return (typeof column === 'string' ? JSON.parse(column) : (column ?? [])) as readonly unknown[];
}
