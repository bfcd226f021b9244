import type { Registry } from '../identity/registry.ts';
import type { Tombstones } from '../identity/tombstones.ts';
import { beginErasure } from './erase-ledger.ts';

const rowsPerPage = 5_000;

/**
 * Begins again the erasures of those whom an old copy of the ledger has brought back: who was erased, by the file, and came before that,
 * by the ledger. Somebody who came later under the same id is somebody new. Each node's file has the erasures of all of them.
 * Answers how many were begun.
 */
export async function applyTombstones(registry: Registry, tombstones: Tombstones): Promise<number> {
  const { db, vault } = registry;
  const rows = await db.read.selectFrom('erasures').select(['hash', 'asked_at']).execute();
  tombstones.add(rows.map((row) => [row.hash, row.asked_at] as const));
  const known = new Map(rows.map((row) => [row.hash, row.asked_at] as const));
  // The ledger forgets no erasure, unless it is an old copy. Only then everybody is looked at.
  const missing = new Map([...tombstones.all].filter(([hash, at]) => (known.get(hash) ?? -1) < at));
  if (missing.size === 0) return 0;
  let begun = 0;
  for (let last = ''; ;) {
    const page = await db.read
      .selectFrom('customers')
      .select(['id', 'created_at'])
      .where('id', '>', last)
      .orderBy('id')
      .limit(rowsPerPage)
      .execute();
    for (const { id, created_at: createdAt } of page) {
      const erasedAt = missing.get(vault.erasedHash(id));
      if (erasedAt === undefined || createdAt > erasedAt) continue;
      if ((await beginErasure(registry, id, erasedAt)) !== undefined) begun += 1;
    }
    if (page.length < rowsPerPage) break;
    last = page.at(-1)?.id ?? '';
  }
  await rememberAll(registry, missing);
  return begun;
}

/** With these in the ledger again, the next start need not look at everybody. */
async function rememberAll({ db, clock }: Registry, erasedAt: ReadonlyMap<string, number>): Promise<void> {
  for (const [hash, at] of erasedAt) {
    await db.write
      .insertInto('erasures')
      .values({ hash, customer_id: null, asked_at: at, done_at: clock.now() })
      .onConflict((conflict) =>
        conflict.column('hash').doUpdateSet({ asked_at: at }).where('erasures.asked_at', '<', at),
      )
      .execute();
  }
}
