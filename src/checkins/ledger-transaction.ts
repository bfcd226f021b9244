import type { Transaction } from 'kysely';
import { bulkInsert } from '../db/bulk.ts';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { inAuditedTransaction } from '../db/audited-transaction.ts';
import type { Audit } from '../db/audit-log.ts';
import { nextNumbers } from '../db/transaction.ts';
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

/**
 * A transaction that decides on check-ins. Such transactions follow one another, on every node: PostgreSQL holds the
 * events' counter from the start, and SQLite has one writer anyway. So what one reads, no other changes before it ends.
 */
export async function inLedgerTransaction<T>(
  db: Database,
  work: (trx: Transaction<Schema>, audit: Audit) => Promise<T>,
): Promise<T> {
  return await inAuditedTransaction(db, async (trx, audit) => {
    await holdEvents(trx, db.kind);
    return await work(trx, audit);
  });
}

/** Makes any transaction one that decides on check-ins. One that changes the registry too holds the registry's counter already. */
export async function holdEvents(trx: Transaction<Schema>, kind: Database['kind']): Promise<void> {
  if (kind !== 'postgres') return;
  await trx.selectFrom('counters').select('value').where('name', '=', 'events').forUpdate().execute();
}

/** Writes the changes; answers the sequence of the last event, or undefined without one. */
export async function writeChanges(
  trx: Transaction<Schema>,
  kind: Database['kind'],
  changes: LedgerChanges,
  now: number,
): Promise<number | undefined> {
  // What ended goes first, since a customer has at most one open visit and check-in in a space at any moment.
  const visits = [...changes.visits].toSorted((a, b) => Number(a.departedAt === null) - Number(b.departedAt === null));
  await bulkInsert(trx, kind, 'visits', visits.map(toVisitRow), {
    key: 'id',
    update: ['arrived_at', 'last_activity_at', 'departed_at', 'reason', 'revision', 'runs'],
  });
  const checkIns = [...changes.checkIns].toSorted((a, b) => Number(a.state === 'open') - Number(b.state === 'open'));
  const checkInRows = checkIns.map((checkIn) => toCheckInRow(checkIn, now));
  await bulkInsert(trx, kind, 'check_ins', checkInRows, {
    key: 'id',
    update: [
      'visit_id',
      'state',
      'methods',
      'started_at',
      'ended_at',
      'last_activity_at',
      'detected_at',
      'check_out_method',
      'check_out_reason',
      'device_ids',
      'updated_at',
    ],
  });
  return await appendEvents(trx, kind, changes.events);
}

async function appendEvents(
  trx: Transaction<Schema>,
  kind: Database['kind'],
  events: readonly EventDraft[],
): Promise<number | undefined> {
  if (events.length === 0) return undefined;
  const first = await nextNumbers(trx, 'events', events.length);
  const rows = events.map(({ type, at, data, id }, index) => ({
    sequence: first + index,
    id: id ?? newId('evt'),
    type,
    at,
    // That somebody was erased is not about whoever has the id next.
    customer_id: 'customerId' in data && type !== 'customer.erased' ? data.customerId : null,
    space_id: 'spaceId' in data ? data.spaceId : null,
    check_in_id: 'state' in data ? data.id : null,
    data: JSON.stringify(data),
  }));
  await bulkInsert(trx, kind, 'events', rows);
  return first + events.length - 1;
}
