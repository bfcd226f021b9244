import { sql, type Transaction } from 'kysely';
import { isAnyOf } from '../db/bulk.ts';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { inLedgerTransaction } from './ledger-transaction.ts';

/** What was observed is forgotten, what it led to stays. */
export async function forgetRuns(db: Database, before: number, limit: number): Promise<number> {
  return await inLedgerTransaction(db, async (trx) => {
    const result = await trx
      .updateTable('visits')
      .set({ runs: '[]' })
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('visits')
          .select('id')
          .where('departed_at', '<', before)
          // As the index says it, which a parameter would keep it from being.
          .where(sql<boolean>`runs <> '[]'`)
          .orderBy('departed_at')
          .limit(limit),
      )
      .executeTakeFirst();
    return Number(result.numUpdatedRows);
  });
}

/** Check-ins that are over, oldest first. What they have used of a pass stays used. */
export async function forgetCheckIns(db: Database, before: number, limit: number): Promise<number> {
  return await inLedgerTransaction(db, async (trx) => {
    const rows = await trx
      .selectFrom('check_ins')
      .select(['id', 'pass_id', 'state', 'started_at', 'ended_at'])
      .where('started_at', '<', before)
      .where('last_activity_at', '<', before)
      .where('state', '!=', 'open')
      .orderBy('started_at')
      .orderBy('id')
      .limit(limit)
      .execute();
    if (rows.length === 0) return 0;
    const used = rows.filter(({ state }) => state === 'closed');
    await keepUse(trx, used);
    const ids = rows.map(({ id }) => id);
    await trx
      .deleteFrom('check_ins')
      .where(isAnyOf(db.kind, 'id', ids))
      .execute();
    return rows.length;
  });
}

type Use = { readonly pass_id: string | null; readonly started_at: number; readonly ended_at: number | null };

async function keepUse(trx: Transaction<Schema>, checkIns: readonly Use[]): Promise<void> {
  const passes = new Map<string, { uses: number; ms: number }>();
  for (const { pass_id: id, started_at: from, ended_at: to } of checkIns) {
    if (id === null) continue;
    const { uses, ms } = passes.get(id) ?? { uses: 0, ms: 0 };
    passes.set(id, { uses: uses + 1, ms: ms + ((to ?? from) - from) });
  }
  for (const [id, { uses, ms }] of passes) {
    await trx
      .updateTable('passes')
      .set((eb) => ({ past_uses: eb('past_uses', '+', uses), past_ms: eb('past_ms', '+', ms) }))
      .where('id', '=', id)
      .execute();
  }
}

/** Visits that are over, once no check-in speaks of them. */
export async function forgetVisits(db: Database, before: number, limit: number): Promise<number> {
  return await inLedgerTransaction(db, async (trx) => {
    const result = await trx
      .deleteFrom('visits')
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('visits as v')
          .select('v.id')
          .where('v.departed_at', '<', before)
          .where((visit) =>
            visit.not(
              visit.exists(visit.selectFrom('check_ins as c').select('c.id').whereRef('c.visit_id', '=', 'v.id')),
            ),
          )
          .orderBy('v.departed_at')
          .limit(limit),
      )
      .executeTakeFirst();
    return Number(result.numDeletedRows);
  });
}

/** The oldest events, as far as all of them are old: what is left begins somewhere and has no gaps from there on. */
export async function forgetEvents(db: Database, before: number, limit: number): Promise<number> {
  return await inLedgerTransaction(db, async (trx) => {
    const rows = await trx.selectFrom('events').select(['sequence', 'at']).orderBy('sequence').limit(limit).execute();
    const young = rows.findIndex(({ at }) => at >= before);
    const old = young === -1 ? rows : rows.slice(0, young);
    const last = old.at(-1);
    if (last === undefined) return 0;
    await trx.deleteFrom('events').where('sequence', '<=', last.sequence).execute();
    return old.length;
  });
}
