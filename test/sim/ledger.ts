import type { Database } from '../../src/db/database.ts';
import { morning } from './venue.ts';

/** What the ledger says of one check-in; times are milliseconds after the beginning of the day, by the clock on the wall. */
export type Entry = {
  readonly id: string;
  readonly person: string;
  readonly spaceId: string;
  readonly visitId: string | null;
  readonly state: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly detectedAt: number | null;
  readonly reason: string | null;
};

export type LoggedEvent = {
  readonly sequence: number;
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly person: string | null;
  readonly spaceId: string | null;
  readonly checkInId: string | null;
  readonly data: {
    readonly startedAt?: number;
    readonly endedAt?: number | null;
    readonly state?: string;
  };
};

export type Visit = {
  readonly id: string;
  readonly person: string;
  readonly spaceId: string;
  readonly arrivedAt: number;
  readonly lastActivityAt: number;
  readonly departedAt: number | null;
  readonly reason: string | null;
};

export type Ledger = {
  readonly entries: readonly Entry[];
  readonly events: readonly LoggedEvent[];
  readonly visits: readonly Visit[];
};

export async function readLedger({ read }: Database): Promise<Ledger> {
  const checkIns = await read.selectFrom('check_ins').selectAll().orderBy('started_at').execute();
  const events = await read.selectFrom('events').selectAll().orderBy('sequence').execute();
  const visits = await read.selectFrom('visits').selectAll().orderBy('arrived_at').execute();
  const day = <At extends number | null>(at: At): At => (at === null ? at : ((at - morning) as At));
  return {
    entries: checkIns.map((row) => ({
      id: row.id,
      person: row.customer_id,
      spaceId: row.space_id,
      visitId: row.visit_id,
      state: row.state,
      startedAt: day(row.started_at),
      endedAt: day(row.ended_at),
      detectedAt: day(row.detected_at),
      reason: row.check_out_reason,
    })),
    events: events.map((row) => {
      const data = JSON.parse(row.data) as LoggedEvent['data'];
      const { startedAt, endedAt } = data;
      return {
        sequence: row.sequence,
        id: row.id,
        type: row.type,
        at: day(row.at),
        person: row.customer_id,
        spaceId: row.space_id,
        checkInId: row.check_in_id,
        data: {
          ...data,
          ...(startedAt !== undefined && { startedAt: day(startedAt) }),
          ...(endedAt !== undefined && { endedAt: day(endedAt) }),
        },
      };
    }),
    visits: visits.map((row) => ({
      id: row.id,
      person: row.customer_id,
      spaceId: row.space_id,
      arrivedAt: day(row.arrived_at),
      lastActivityAt: day(row.last_activity_at),
      departedAt: day(row.departed_at),
      reason: row.reason,
    })),
  };
}
