import type { Transaction } from 'kysely';
import { presenceMember } from '../presence/keys.ts';
import { isAnyOf } from '../db/bulk.ts';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import type { CheckIn } from './check-in.ts';
import type { Pass } from './entitlement.ts';
import type { Draft } from './record.ts';
import { toCheckIn, toPass, toVisit } from './rows.ts';
import type { Visit } from './visit.ts';

/** Reads what a decision about these customers and visits may depend on, in a fixed number of queries. */
export async function loadDraft(
  trx: Transaction<Schema>,
  kind: Database['kind'],
  customerIds: readonly string[],
  visitIds: readonly string[],
): Promise<Draft> {
  const customerRows = await trx
    .selectFrom('customers')
    .select(['id', 'active', 'plan_id'])
    .where(isAnyOf(kind, 'id', customerIds))
    .execute();
  const passRows = await trx
    .selectFrom('passes')
    .selectAll()
    .where(isAnyOf(kind, 'customer_id', customerIds))
    .where('revoked_at', 'is', null)
    .execute();
  const openVisitRows = await trx
    .selectFrom('visits')
    .selectAll()
    .where(isAnyOf(kind, 'customer_id', customerIds))
    .where('departed_at', 'is', null)
    .execute();
  const visitRows =
    visitIds.length === 0
      ? []
      : await trx
          .selectFrom('visits')
          .selectAll()
          .where(isAnyOf(kind, 'id', visitIds))
          .execute();
  const openCheckInRows = await trx
    .selectFrom('check_ins')
    .selectAll()
    .where(isAnyOf(kind, 'customer_id', customerIds))
    .where('state', '=', 'open')
    .execute();

  const visitCheckInRows =
    visitIds.length === 0
      ? []
      : await trx
          .selectFrom('check_ins')
          .selectAll()
          .where(isAnyOf(kind, 'visit_id', visitIds))
          .execute();

  const passes = new Map<string, Pass[]>();
  for (const pass of passRows.map(toPass)) {
    const others = passes.get(pass.customerId);
    if (others === undefined) passes.set(pass.customerId, [pass]);
    else others.push(pass);
  }
  const openVisits = openVisitRows.map(toVisit);
  return {
    customers: new Map(customerRows.map((row) => [row.id, { active: row.active === 1, planId: row.plan_id }])),
    passes,
    visits: new Map([...openVisits, ...visitRows.map(toVisit)].map((visit) => [visit.id, visit])),
    openVisits: bySlot(openVisits),
    openCheckIns: bySlot(openCheckInRows.map(toCheckIn)),
    checkInsByVisit: byVisit([...visitCheckInRows, ...openCheckInRows].map(toCheckIn)),
    changedVisits: new Map(),
    changedCheckIns: new Map(),
    events: [],
  };
}

function bySlot<Item extends Visit | CheckIn>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [presenceMember(item.spaceId, item.customerId), item]));
}

/** The one that a visit is about: the newest, should people have checked in again by hand while it lasted. */
function byVisit(checkIns: readonly CheckIn[]): Map<string, CheckIn> {
  const found = new Map<string, CheckIn>();
  for (const checkIn of checkIns.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (checkIn.visitId !== null) found.set(checkIn.visitId, checkIn);
  }
  return found;
}
