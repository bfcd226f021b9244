import type { Selectable, SelectQueryBuilder } from 'kysely';
import type { CheckInTable, PassTable, Schema, VisitTable } from '../db/schema.ts';
import type { CheckIn, CheckOutReason, FailureReason, Method } from './check-in.ts';
import type { Pass } from './entitlement.ts';
import { packRuns, unpackRuns } from './runs.ts';
import type { Visit } from './visit.ts';

/** Rows as SQL holds them, and the records that the rest of the stage speaks of. */
export function toCheckIn(row: Selectable<CheckInTable>): CheckIn {
  return {
    id: row.id,
    customerId: row.customer_id,
    spaceId: row.space_id,
    visitId: row.visit_id,
    state: row.state,
    method: row.method as Method,
    methods: JSON.parse(row.methods) as Method[],
    startedAt: row.started_at,
    endedAt: row.ended_at,
    lastActivityAt: row.last_activity_at,
    detectedAt: row.detected_at,
    checkOutMethod: row.check_out_method as Method | null,
    checkOutReason: row.check_out_reason as CheckOutReason | null,
    failureReason: row.failure_reason as FailureReason | null,
    passId: row.pass_id,
    planId: row.plan_id,
    deviceIds: JSON.parse(row.device_ids) as string[],
  };
}

export function toCheckInRow(checkIn: CheckIn, now: number): Selectable<CheckInTable> {
  return {
    id: checkIn.id,
    customer_id: checkIn.customerId,
    space_id: checkIn.spaceId,
    visit_id: checkIn.visitId,
    state: checkIn.state,
    method: checkIn.method,
    methods: JSON.stringify(checkIn.methods),
    started_at: checkIn.startedAt,
    ended_at: checkIn.endedAt,
    last_activity_at: checkIn.lastActivityAt,
    detected_at: checkIn.detectedAt,
    check_out_method: checkIn.checkOutMethod,
    check_out_reason: checkIn.checkOutReason,
    failure_reason: checkIn.failureReason,
    pass_id: checkIn.passId,
    plan_id: checkIn.planId,
    device_ids: JSON.stringify(checkIn.deviceIds),
    created_at: now,
    updated_at: now,
  };
}

export function toVisit(row: Selectable<VisitTable>): Visit {
  return {
    id: row.id,
    customerId: row.customer_id,
    spaceId: row.space_id,
    arrivedAt: row.arrived_at,
    lastActivityAt: row.last_activity_at,
    departedAt: row.departed_at,
    reason: row.reason as Visit['reason'],
    revision: row.revision,
    runs: unpackRuns(row.runs),
  };
}

export function toVisitRow(visit: Visit): Selectable<VisitTable> {
  return {
    id: visit.id,
    customer_id: visit.customerId,
    space_id: visit.spaceId,
    arrived_at: visit.arrivedAt,
    last_activity_at: visit.lastActivityAt,
    departed_at: visit.departedAt,
    reason: visit.reason,
    revision: visit.revision,
    runs: packRuns(visit.runs),
  };
}

export function toPass(row: Omit<Selectable<PassTable>, 'past_uses' | 'past_ms'>): Pass {
  return {
    id: row.id,
    customerId: row.customer_id,
    kind: row.kind as Pass['kind'],
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    spaceIds: row.space_ids === null ? null : (JSON.parse(row.space_ids) as string[]),
    createdAt: row.created_at,
  };
}

/** The place after which a page of check-ins begins. */
export type CheckInPlace = { readonly startedAt: number; readonly id: string };
export type CheckInPage = { readonly limit: number; readonly after?: CheckInPlace | undefined };

/** Check-ins page by page, newest first: by the place of the last one and not by counting, so that nothing slips between pages. */
export function newestFirst<Output>(
  query: SelectQueryBuilder<Schema, 'check_ins', Output>,
  { limit, after }: CheckInPage,
): SelectQueryBuilder<Schema, 'check_ins', Output> {
  const page = query.orderBy('started_at', 'desc').orderBy('id', 'desc').limit(limit);
  if (after === undefined) return page;
  return page.where((eb) =>
    eb.or([
      eb('started_at', '<', after.startedAt),
      eb.and([eb('started_at', '=', after.startedAt), eb('id', '<', after.id)]),
    ]),
  );
}
