import { sql } from 'kysely';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';
import { DatabaseError } from './database-error.ts';
import type { Schema } from './schema.ts';

const attempts = 100;
const againMs = 100;

/**
 * What was deleted from these tables is not in the database's files any more. SQLite overwrites what it deletes
 * (`secure_delete`), but not what it left in a page when it moved rows to another: so all pages are written anew (5 s for a
 * million events, during which transitions wait in their stream), and the write-ahead log is emptied. PostgreSQL takes the rows
 * out of the tables; its own log and its backups are its administrator's.
 */
export async function scrub({ kind, write }: Database, tables: readonly (keyof Schema)[]): Promise<void> {
  if (kind === 'postgres') {
    for (const table of tables) await sql`vacuum ${sql.table(table)}`.execute(write);
    return;
  }
  await writePagesAnew(write);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(write);
    if (rows[0]?.busy === 0) return;
    // A long report still reads what was there before.
    await delay(againMs);
  }
  throw new DatabaseError('sqlite: the write-ahead log cannot be emptied while somebody reads', { retryable: true });
}

/** By way of a file beside the ledger, unlinked as soon as it is opened: in memory it would be as large as the ledger. */
async function writePagesAnew(write: Database['write']): Promise<void> {
  const { rows } = await sql<{ file: string }>`pragma database_list`.execute(write);
  const directory = dirname(rows[0]?.file ?? '');
  await sql`pragma temp_store_directory = ${sql.lit(directory)}`.execute(write);
  await sql`pragma temp_store = file`.execute(write);
  try {
    await sql`vacuum`.execute(write);
  } finally {
    await sql`pragma temp_store = memory`.execute(write);
  }
}
