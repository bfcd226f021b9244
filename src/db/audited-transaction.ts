import type { Transaction } from 'kysely';
import { actorAtWork } from '../runtime/actor.ts';
import type { Audit, AuditEntry } from './audit-log.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';
import { inTransaction } from './transaction.ts';

/**
 * A transaction whose effect is told to the audit log with it: neither is there without the other. The lines are written
 * last, after `work`.
 */
export async function inAuditedTransaction<T>(
  db: Database,
  work: (trx: Transaction<Schema>, audit: Audit) => Promise<T>,
): Promise<T> {
  let lines = 0;
  const result = await inTransaction(db, async (trx) => {
    const entries: AuditEntry[] = [];
    const value = await work(trx, (entry) => entries.push(entry));
    lines = await db.audit.appendForActor(trx, entries);
    return value;
  });
  const actor = actorAtWork();
  if (actor !== undefined) actor.lines += lines;
  return result;
}
