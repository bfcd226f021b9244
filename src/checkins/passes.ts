import { inAuditedTransaction } from '../db/audited-transaction.ts';
import type { Database } from '../db/database.ts';
import { newId } from '../runtime/id.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Pass } from './entitlement.ts';
import { toPass } from './rows.ts';

export type NewPass = {
  readonly kind: 'unlimited';
  readonly validFrom?: number | undefined;
  readonly validUntil?: number | undefined;
  readonly spaceIds?: readonly string[] | undefined;
};

/** Adds a pass; undefined when there is no such customer. */
export async function addPass(
  db: Database,
  clock: Clock,
  customerId: string,
  pass: NewPass,
): Promise<Pass | undefined> {
  return await inAuditedTransaction(db, async (trx, audit) => {
    const customer = await trx.selectFrom('customers').select('id').where('id', '=', customerId).executeTakeFirst();
    if (customer === undefined) return undefined;
    const row = {
      id: newId('pass'),
      customer_id: customerId,
      kind: pass.kind,
      amount: null,
      valid_from: pass.validFrom ?? null,
      valid_until: pass.validUntil ?? null,
      space_ids: pass.spaceIds === undefined ? null : JSON.stringify(pass.spaceIds),
      created_at: clock.now(),
      revoked_at: null,
    };
    await trx.insertInto('passes').values(row).execute();
    audit({ customerId, objectId: row.id, details: pass });
    return toPass(row);
  });
}

/** A pass that was not revoked. */
export async function getPass(db: Database, id: string): Promise<Pass | undefined> {
  const row = await db.read
    .selectFrom('passes')
    .selectAll()
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : toPass(row);
}

/** The passes that were not revoked, oldest first, after the pass `after`. */
export async function listPasses(
  db: Database,
  customerId: string,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<Pass[]> {
  let query = db.read
    .selectFrom('passes')
    .selectAll()
    .where('customer_id', '=', customerId)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(toPass);
}

/** Whether there was such a pass to revoke. Check-ins that it has opened stay. */
export async function revokePass(db: Database, clock: Clock, id: string): Promise<boolean> {
  return await inAuditedTransaction(db, async (trx, audit) => {
    const revoked = await trx
      .updateTable('passes')
      .set({ revoked_at: clock.now() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .returning('customer_id')
      .executeTakeFirst();
    if (revoked === undefined) return false;
    audit({ customerId: revoked.customer_id, objectId: id });
    return true;
  });
}
