import { sql } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';
import { DatabaseError } from './database-error.ts';
import type { Schema } from './schema.ts';

const attempts = 100;
const againMs = 100;

/**
 * What was deleted from these tables is not in the database's files any more. SQLite overwrites it as it deletes
 * (`secure_delete`), and its write-ahead log is emptied here. PostgreSQL takes the rows out of the tables; its own log and its
 * backups are its administrator's.
 */
export async function scrub({ kind, write }: Database, tables: readonly (keyof Schema)[]): Promise<void> {
  if (kind === 'postgres') {
    for (const table of tables) await sql`vacuum ${sql.table(table)}`.execute(write);
    return;
  }
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(write);
    if (rows[0]?.busy === 0) return;
    // A long report still reads what was there before.
    await delay(againMs);
  }
  throw new DatabaseError('sqlite: the write-ahead log cannot be emptied while somebody reads', { retryable: true });
}
