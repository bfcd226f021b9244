import type { Transaction } from 'kysely';
import type { Clock } from '../runtime/clock.ts';
import { bulkInsert } from './bulk.ts';
import type { Database } from './database.ts';
import type { ChangeKind, Schema } from './schema.ts';
import { inTransaction, nextNumbers } from './transaction.ts';

/** Says that a row of the registry is new, different or gone. */
export type NoteChange = (kind: ChangeKind, key: string) => void;

/**
 * A transaction that changes the registry. Such transactions follow one another, on every node, because each holds the
 * counter of changes from its start: what one reads, no other changes before it ends. What `work` notes is written to
 * `changes` with it, which is how every node's copies in memory learn of it.
 */
export async function inRegistryTransaction<T>(
  db: Database,
  clock: Clock,
  work: (trx: Transaction<Schema>, note: NoteChange) => Promise<T>,
): Promise<T> {
  const result = await inTransaction(db, async (trx) => {
    if (db.kind === 'postgres') {
      await trx.selectFrom('counters').select('value').where('name', '=', 'changes').forUpdate().execute();
    }
    const noted: { readonly kind: ChangeKind; readonly key: string }[] = [];
    const value = await work(trx, (kind, key) => noted.push({ kind, key }));
    if (noted.length > 0) {
      const first = await nextNumbers(trx, 'changes', noted.length);
      const at = clock.now();
      const rows = noted.map(({ kind, key }, index) => ({ sequence: first + index, kind, key, at }));
      await bulkInsert(trx, db.kind, 'changes', rows);
    }
    return value;
  });
  // So that whoever registers a phone and then switches it on finds it known, on this node.
  await db.registryChanged.emit();
  return result;
}
