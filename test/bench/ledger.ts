import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ledgerFile } from '../../src/db/sqlite/open.ts';

/** What is driven at the service, and what its ledger must therefore hold. */
export type CheckInCounts = { readonly open: number; readonly closed: number };

/** Read from the ledger itself, beside the running service. A check-in that is neither open nor closed ends the run. */
export function countCheckIns(dataDir: string): CheckInCounts {
  const rows = query(dataDir, 'select state, count(*) as count from check_ins group by state');
  const counts = Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['count'])]));
  const { open = 0, closed = 0, ...others } = counts;
  if (Object.keys(others).length > 0)
    throw new Error(`the ledger holds what was never driven: ${JSON.stringify(others)}`);
  return { open, closed };
}

/** A run whose ledger holds anything but what was driven measures nothing. */
export function requireCheckIns(dataDir: string, driven: CheckInCounts): void {
  const found = countCheckIns(dataDir);
  if (found.open !== driven.open || found.closed !== driven.closed)
    throw new Error(`the ledger holds ${JSON.stringify(found)}, but ${JSON.stringify(driven)} was driven`);
}

/** The longest time from a last activity until its check-out was decided. */
export function latestDetectionMs(dataDir: string): number {
  const [row] = query(dataDir, "select max(detected_at - ended_at) as latest from check_ins where state = 'closed'");
  return Number(row?.['latest']);
}

function query(dataDir: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const database = new DatabaseSync(join(dataDir, ledgerFile), { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
