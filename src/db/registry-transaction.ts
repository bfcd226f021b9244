import type { Transaction } from 'kysely';
import { actorAtWork } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Audit, AuditEntry } from './audit-log.ts';
import { inAuditedTransaction } from './audited-transaction.ts';
import { bulkInsert, isAnyOf } from './bulk.ts';
import type { Database } from './database.ts';
import type { ChangeKind, Schema } from './schema.ts';
import { nextNumbers } from './transaction.ts';

/** Says that a row of the registry is new, different or gone. */
export type NoteChange = (kind: ChangeKind, key: string) => void;

type Noted = { readonly kind: ChangeKind; readonly key: string };

/**
 * A transaction that changes the registry. Such transactions follow one another, on every node, because each holds the
 * counter of changes from its start: what one reads, no other changes before it ends. What `work` notes is written to
 * `changes` with it, which is how every node's copies in memory learn of it. What it does on behalf of somebody is told to
 * the audit log: as `work` says it, or else from what it notes.
 */
export async function inRegistryTransaction<T>(
  db: Database,
  clock: Clock,
  work: (trx: Transaction<Schema>, note: NoteChange, audit: Audit) => Promise<T>,
): Promise<T> {
  const result = await inAuditedTransaction(db, async (trx, audit) => {
    if (db.kind === 'postgres') {
      await trx.selectFrom('counters').select('value').where('name', '=', 'changes').forUpdate().execute();
    }
    const noted: Noted[] = [];
    let isTold = false;
    const value = await work(
      trx,
      (kind, key) => noted.push({ kind, key }),
      (entry) => {
        isTold = true;
        audit(entry);
      },
    );
    if (noted.length > 0) {
      const first = await nextNumbers(trx, 'changes', noted.length);
      const at = clock.now();
      const rows = noted.map(({ kind, key }, index) => ({ sequence: first + index, kind, key, at }));
      await bulkInsert(trx, db.kind, 'changes', rows);
      if (!isTold && actorAtWork() !== undefined) for (const entry of await entriesOf(db, trx, noted)) audit(entry);
    }
    return value;
  });
  // So that whoever registers a phone and then switches it on finds it known, on this node.
  await db.registryChanged.emit();
  return result;
}

/** What can be told of changes that nobody has described: one line for each thing, and at least one. */
async function entriesOf(db: Database, trx: Transaction<Schema>, noted: readonly Noted[]): Promise<AuditEntry[]> {
  const keysOf = (kind: ChangeKind) => [...new Set(noted.filter((each) => each.kind === kind).map(({ key }) => key))];
  const devices = keysOf('device');
  const owners =
    devices.length === 0
      ? []
      : await trx
          .selectFrom('devices')
          .select(['id', 'customer_id'])
          .where(isAnyOf(db.kind, 'id', devices))
          .execute();
  const ownerOf = new Map(owners.map((row) => [row.id, row.customer_id]));
  const entries: AuditEntry[] = [
    ...keysOf('customer').map((customerId) => ({ customerId })),
    ...devices.map((objectId) => ({ objectId, customerId: ownerOf.get(objectId) })),
    ...[...keysOf('token'), ...keysOf('pass')].map((objectId) => ({ objectId })),
    ...keysOf('space').map((spaceId) => ({ spaceId })),
  ];
  return entries.length === 0 ? [{}] : entries;
}
