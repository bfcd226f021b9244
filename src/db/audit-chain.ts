import type { Kysely, Selectable } from 'kysely';
import type { AuditAnchorTable, AuditTable, Schema } from './schema.ts';

export type UnsignedLine = Omit<Selectable<AuditTable>, 'hash'>;

/** What a line's hash is over: its columns in this order, as JSON. */
export function lineText(line: UnsignedLine): string {
  return JSON.stringify([
    line.sequence,
    line.at,
    line.actor,
    line.actor_role,
    line.action,
    line.subject,
    line.object_id,
    line.space_id,
    line.outcome,
    line.sealed,
    line.previous_hash,
  ]);
}

/** What proves that the service itself has moved the anchor. */
export function anchorText({ sequence, hash }: Pick<AuditAnchorTable, 'sequence' | 'hash'>): string {
  return JSON.stringify(['anchor', sequence, hash]);
}

export type AuditVerdict = {
  /** How many lines were read. */
  readonly lines: number;
  /** The last one of them, to be noted elsewhere: it is how a log that was cut off at its end would be found out. */
  readonly last: { readonly sequence: number; readonly hash: string };
  /** The first line that does not fit, and why. */
  readonly broken?: { readonly sequence: number; readonly reason: string };
};

export type AuditVerification = {
  readonly db: Kysely<Schema>;
  readonly sign: (text: string) => string;
  /** A line that was noted earlier. */
  readonly expected?: { readonly sequence: number; readonly hash: string } | undefined;
  readonly onProgress?: (lines: number, of: number) => void;
};

const pageSize = 5_000;

/** Walks the whole log from the anchor to the counter, and stops at the first line that does not fit. */
export async function verifyAudit({ db, sign, expected, onProgress }: AuditVerification): Promise<AuditVerdict> {
  const anchor = await db.selectFrom('audit_anchor').selectAll().executeTakeFirst();
  const none = { lines: 0, last: { sequence: 0, hash: '' } };
  if (anchor === undefined) return broken(none, 0, 'the anchor of the log is missing');
  const isProven = anchor.sequence === 0 ? anchor.hash === '' : anchor.proof === sign(anchorText(anchor));
  if (!isProven) return broken(none, anchor.sequence, 'the anchor of the log was not moved by Rollcall');
  const { value: newest } = await db
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'audit')
    .executeTakeFirstOrThrow();
  let found = { lines: 0, last: { sequence: anchor.sequence, hash: anchor.hash } };
  for (;;) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('sequence', '>', found.last.sequence)
      .where('sequence', '<=', newest)
      .orderBy('sequence')
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      const { sequence, hash } = found.last;
      if (row.sequence !== sequence + 1) return broken(found, sequence + 1, 'the line is missing');
      if (row.previous_hash !== hash) return broken(found, row.sequence, 'it does not follow the line before it');
      if (row.hash !== sign(lineText(row))) return broken(found, row.sequence, 'it is not what Rollcall has written');
      if (expected?.sequence === row.sequence && expected.hash !== row.hash) {
        return broken(found, row.sequence, 'it is not the line that was noted');
      }
      found = { lines: found.lines + 1, last: { sequence: row.sequence, hash: row.hash } };
    }
    onProgress?.(found.lines, newest - anchor.sequence);
    if (rows.length < pageSize) break;
  }
  if (found.last.sequence < newest) return broken(found, found.last.sequence + 1, 'the line is missing');
  if (expected !== undefined && expected.sequence > newest) {
    return broken(found, newest + 1, 'the log ends before the line that was noted');
  }
  return found;
}

function broken(found: AuditVerdict, sequence: number, reason: string): AuditVerdict {
  return { ...found, broken: { sequence, reason } };
}
