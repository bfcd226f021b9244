import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { inTransaction, nextNumbers } from '../db/transaction.ts';
import { newId } from '../runtime/id.ts';
import type { CheckIn } from './check-in.ts';
import type { EventDraft } from './event.ts';
import { toCheckInRow, toVisitRow } from './rows.ts';
import type { Visit } from './visit.ts';

/** What one transaction adds to the ledger. */
export type LedgerChanges = {
  readonly visits: Iterable<Visit>;
  readonly checkIns: Iterable<CheckIn>;
  readonly events: readonly EventDraft[];
};

/** Rows per statement: 21 columns of them stay well under the 32,766 variables that SQLite binds. */
const rowsPerStatement = 500;

/**
 * A transaction that decides on check-ins. Such transactions follow one another, on every node: PostgreSQL holds the
 * events' counter from the start, and SQLite has one writer anyway. So what one reads, no other changes before it ends.
 */
export async function inLedgerTransaction<T>(db: Database, work: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
  return await inTransaction(db, async (trx) => {
    if (db.kind === 'postgres') {
      await trx.selectFrom('counters').select('value').where('name', '=', 'events').forUpdate().execute();
    }
    return await work(trx);
  });
}

/** Writes the changes; answers the sequence of the last event, or undefined without one. */
export async function writeChanges(
  trx: Transaction<Schema>,
  changes: LedgerChanges,
  now: number,
): Promise<number | undefined> {
  // What ended goes first, since a customer has at most one open visit and check-in in a space at any moment.
  const visits = [...changes.visits].toSorted((a, b) => Number(a.departedAt === null) - Number(b.departedAt === null));
  for (const rows of chunks(visits.map(toVisitRow))) {
    await trx
      .insertInto('visits')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          arrived_at: eb.ref('excluded.arrived_at'),
          last_activity_at: eb.ref('excluded.last_activity_at'),
          departed_at: eb.ref('excluded.departed_at'),
          reason: eb.ref('excluded.reason'),
        })),
      )
      .execute();
  }
  const checkIns = [...changes.checkIns].toSorted((a, b) => Number(a.state === 'open') - Number(b.state === 'open'));
  for (const rows of chunks(checkIns.map((checkIn) => toCheckInRow(checkIn, now)))) {
    await trx
      .insertInto('check_ins')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          visit_id: eb.ref('excluded.visit_id'),
          state: eb.ref('excluded.state'),
          methods: eb.ref('excluded.methods'),
          started_at: eb.ref('excluded.started_at'),
          ended_at: eb.ref('excluded.ended_at'),
          last_activity_at: eb.ref('excluded.last_activity_at'),
          detected_at: eb.ref('excluded.detected_at'),
          check_out_method: eb.ref('excluded.check_out_method'),
          check_out_reason: eb.ref('excluded.check_out_reason'),
          device_ids: eb.ref('excluded.device_ids'),
          updated_at: eb.ref('excluded.updated_at'),
        })),
      )
      .execute();
  }
  return await appendEvents(trx, changes.events);
}

async function appendEvents(trx: Transaction<Schema>, events: readonly EventDraft[]): Promise<number | undefined> {
  if (events.length === 0) return undefined;
  const first = await nextNumbers(trx, 'events', events.length);
  const rows = events.map(({ type, at, data }, index) => ({
    sequence: first + index,
    id: newId('evt'),
    type,
    at,
    customer_id: data.customerId,
    space_id: data.spaceId,
    check_in_id: 'state' in data ? data.id : null,
    data: JSON.stringify(data),
  }));
  for (const some of chunks(rows)) await trx.insertInto('events').values(some).execute();
  return first + events.length - 1;
}

function chunks<Row>(rows: readonly Row[]): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / rowsPerStatement) }, (_, index) =>
    rows.slice(index * rowsPerStatement, (index + 1) * rowsPerStatement),
  );
}
