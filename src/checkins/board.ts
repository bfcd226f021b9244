import type { Database } from '../db/database.ts';
import type { PresenceState } from '../presence/state.ts';
import type { Method } from './check-in.ts';
import { newestFirst, toCheckIn, type CheckInPage } from './rows.ts';

/** Someone who is in now. Instants are epoch milliseconds. */
export type BoardEntry = {
  readonly checkInId: string;
  readonly customerId: string;
  readonly customerName: string;
  /** They do not want to be named to everybody. */
  readonly isHidden: boolean;
  readonly spaceId: string;
  readonly since: number;
  readonly lastActivityAt: number;
  /** When idleness would check out; null while no network sees the person. */
  readonly dueAt: number | null;
  /** False while the network cannot say whether the person is here. */
  readonly seen: boolean;
  readonly methods: readonly Method[];
  /** Classes of the devices that were active during the visit, as their owner registered them. */
  readonly deviceClasses: readonly string[];
};

export type BoardPorts = {
  readonly db: Database;
  readonly readPresence: (
    spaceId: string,
    customerIds: readonly string[],
  ) => Promise<readonly (PresenceState | undefined)[]>;
};

/** Who is in a space, newest arrival first: open check-ins from SQL, their latest activity from Redis. */
export async function whoIsIn(ports: BoardPorts, spaceId: string, page: CheckInPage): Promise<BoardEntry[]> {
  const query = ports.db.read
    .selectFrom('check_ins')
    .selectAll()
    .where('space_id', '=', spaceId)
    .where('state', '=', 'open');
  const open = (await newestFirst(query, page).execute()).map(toCheckIn);
  if (open.length === 0) return [];
  const states = await ports.readPresence(
    spaceId,
    open.map((checkIn) => checkIn.customerId),
  );
  const classes = await deviceClasses(
    ports.db,
    states.flatMap((state) => activeDevices(state)),
  );
  const people = await namesOf(
    ports.db,
    open.map((checkIn) => checkIn.customerId),
  );
  return open.map((checkIn, index) => {
    const state = states[index];
    const visit = state?.visits.find(({ id, isOpen }) => isOpen && id === checkIn.visitId);
    const seenClasses = activeDevices(state).flatMap((id) => classes.get(id) ?? []);
    return {
      checkInId: checkIn.id,
      customerId: checkIn.customerId,
      customerName: people.get(checkIn.customerId)?.name ?? '',
      isHidden: people.get(checkIn.customerId)?.hidden === 1,
      spaceId,
      since: checkIn.startedAt,
      lastActivityAt: Math.max(checkIn.lastActivityAt, visit?.lastActivityAt ?? 0),
      dueAt: visit === undefined ? null : (state?.dueAt ?? null),
      seen: checkIn.visitId === null || (visit !== undefined && state?.seen === true),
      methods: checkIn.methods,
      deviceClasses: visit === undefined ? [] : [...new Set(seenClasses)],
    };
  });
}

async function namesOf(db: Database, customerIds: readonly string[]) {
  const rows = await db.read
    .selectFrom('customers')
    .leftJoin('privacy_choices', 'privacy_choices.customer_id', 'customers.id')
    .select(['customers.id', 'customers.name', 'privacy_choices.hidden'])
    .where('customers.id', 'in', customerIds)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

function activeDevices(state: PresenceState | undefined): string[] {
  const since = state?.visits.find(({ isOpen }) => isOpen)?.since ?? Infinity;
  return state?.links.filter((link) => link.activeAt >= since).map((link) => link.deviceId) ?? [];
}

async function deviceClasses(db: Database, deviceIds: readonly string[]): Promise<Map<string, string>> {
  const ids = [...new Set(deviceIds)].filter((id) => id.startsWith('dev_'));
  if (ids.length === 0) return new Map();
  const rows = await db.read
    .selectFrom('devices')
    .select(['id', 'class'])
    .where('id', 'in', ids)
    .where('class', 'is not', null)
    .execute();
  return new Map(rows.map((row) => [row.id, row.class as string]));
}
