import type { AuditOutcome } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';
import { auditContext } from './audit-keys.ts';
import type { Registry } from './registry.ts';

/** A line of the audit log, as far as it can be told. Instants are epoch milliseconds. */
export type AuditRecord = {
  readonly sequence: number;
  readonly at: number;
  readonly actor: string;
  readonly actorRole: string;
  readonly action: string;
  /** The pseudonym of a customer; the same for ever, and null when the line is about nobody. */
  readonly subject: string | null;
  /** Whom the pseudonym stands for; null once they were erased. */
  readonly customerId: string | null;
  readonly objectId: string | null;
  readonly spaceId: string | null;
  readonly outcome: AuditOutcome;
  /** What was given; null when nothing was, or once the customer was erased. */
  readonly details: Readonly<Record<string, unknown>> | null;
};

export type AuditFilter = {
  /** Also of somebody who was erased, for whoever still knows the id. */
  readonly customerId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** At or after, and before. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
};

/** Newest first, from the line before `before`. */
export async function listAudit(
  { db, vault }: Registry,
  { customerId, actor, action, from, to }: AuditFilter,
  page: { readonly limit: number; readonly before?: number | undefined },
): Promise<AuditRecord[]> {
  let query = db.read
    .selectFrom('audit as a')
    .leftJoin('audit_subjects as s', 's.subject', 'a.subject')
    .leftJoin('customers as c', 'c.id', 's.customer_id')
    .select(['a.sequence', 'a.at', 'a.actor', 'a.actor_role', 'a.action', 'a.subject', 'a.object_id', 'a.space_id'])
    .select(['a.outcome', 'a.sealed', 'c.id as customer_id', 'c.data_key'])
    .orderBy('a.sequence', 'desc')
    .limit(page.limit);
  if (page.before !== undefined) query = query.where('a.sequence', '<', page.before);
  if (customerId !== undefined) query = query.where('a.subject', '=', db.audit.keys.subjectOf(customerId));
  if (actor !== undefined) query = query.where('a.actor', '=', actor);
  if (action !== undefined) query = query.where('a.action', '=', action);
  if (from !== undefined) query = query.where('a.at', '>=', from);
  if (to !== undefined) query = query.where('a.at', '<', to);
  const rows = await query.execute();
  return rows.map((row) => ({
    sequence: row.sequence,
    at: row.at,
    actor: row.actor,
    actorRole: row.actor_role,
    action: row.action,
    subject: row.subject,
    customerId: row.customer_id,
    objectId: row.object_id,
    spaceId: row.space_id,
    outcome: row.outcome as AuditOutcome,
    details: openDetails(vault, row),
  }));
}

const linesPerPage = 200;

/** All that was done with, or seen of, a customer; newest first. */
export async function* auditOf(
  registry: Registry,
  customerId: string,
): AsyncGenerator<Omit<AuditRecord, 'sequence'> & { readonly id: string }> {
  for (let before: number | undefined; ;) {
    const lines = await listAudit(registry, { customerId }, { limit: linesPerPage, before });
    for (const { sequence, ...line } of lines) yield { id: String(sequence), ...line };
    if (lines.length < linesPerPage) return;
    before = lines.at(-1)?.sequence;
  }
}

/** The oldest lines, as far as all of them are old. The chain goes on from an anchor, so that it can still be verified. */
export async function forgetAudit(db: Database, before: number, limit: number): Promise<number> {
  return await inTransaction(db, async (trx) => await db.audit.forget(trx, before, limit));
}

function openDetails(
  vault: Registry['vault'],
  row: { readonly sealed: string | null; readonly customer_id: string | null; readonly data_key: string | null },
): AuditRecord['details'] {
  if (row.sealed === null || row.customer_id === null || row.data_key === null) return null;
  const owner = { customerId: row.customer_id, dataKey: row.data_key };
  const text = vault.tryOpenText(row.sealed, owner, auditContext);
  return text === undefined ? null : (JSON.parse(text) as Record<string, unknown>);
}
