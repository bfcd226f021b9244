import { sql, type RawBuilder, type Selectable, type SqlBool, type Transaction } from 'kysely';
import type { DatabaseKind } from './migrations/migration.ts';
import type { Schema } from './schema.ts';

/** A batch is one statement, whose text does not depend on how many rows it has, and one parameter: the rows as JSON. */
const rowsPerStatement = 2_000;

type Column<Table extends keyof Schema> = keyof Schema[Table] & string;

/** Inserts rows in their order; where `conflict.key` exists already, the columns in `conflict.update` are replaced. */
export async function bulkInsert<Table extends keyof Schema>(
  trx: Transaction<Schema>,
  kind: DatabaseKind,
  table: Table,
  rows: readonly Selectable<Schema[Table]>[],
  conflict?: { readonly key: Column<Table>; readonly update: readonly Column<Table>[] },
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first) as Column<Table>[];
  const target = sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})`;
  const onConflict = conflict === undefined ? sql`` : replacing(conflict.key, conflict.update);
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    const some = rows.slice(from, from + rowsPerStatement);
    await sql`${target} ${source(kind, table, columns, some)} ${onConflict}`.execute(trx);
  }
}

function source<Table extends keyof Schema>(
  kind: DatabaseKind,
  table: Table,
  columns: readonly Column<Table>[],
  rows: readonly Selectable<Schema[Table]>[],
): RawBuilder<unknown> {
  if (kind === 'postgres') {
    const names = sql.join(columns.map((column) => sql.ref(column)));
    return sql`select ${names} from json_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows)}::json)`;
  }
  const values = sql.join(columns.map((_, index) => sql`value ->> ${sql.lit(index)}`));
  const tuples = rows.map((row) => columns.map((column) => row[column as keyof typeof row]));
  // Without `where`, SQLite would read `on conflict` as a join's condition.
  return sql`select ${values} from json_each(${JSON.stringify(tuples)}) where true`;
}

function replacing(key: string, update: readonly string[]): RawBuilder<unknown> {
  const assignments = update.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`);
  return sql`on conflict (${sql.ref(key)}) do update set ${sql.join(assignments)}`;
}

/** `column` is one of `values`, however many there are. */
export function isAnyOf(kind: DatabaseKind, column: string, values: readonly string[]): RawBuilder<SqlBool> {
  return kind === 'postgres'
    ? sql<SqlBool>`${sql.ref(column)} = any(${values})`
    : sql<SqlBool>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}
