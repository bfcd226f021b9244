import type { PresenceState } from '../presence/state.ts';
import type { BoardPorts } from './board.ts';
import { newestFirst, toCheckIn } from './rows.ts';

/** Where somebody is in, and when their devices were last heard. Instants are epoch milliseconds. */
export type OwnPresence = {
  readonly spaces: readonly {
    readonly spaceId: string;
    readonly since: number;
    readonly lastActivityAt: number;
    /** False while the network cannot say whether they are here. */
    readonly seen: boolean;
  }[];
  /** By the id of the device; of the last day. */
  readonly deviceSeenAt: ReadonlyMap<string, number>;
};

/** What a member may know of where they are; one look at presence for each space. */
export async function readOwnPresence(
  { db, readPresence }: BoardPorts,
  spaceIds: readonly string[],
  customerId: string,
): Promise<OwnPresence> {
  const query = db.read
    .selectFrom('check_ins')
    .selectAll()
    .where('customer_id', '=', customerId)
    .where('state', '=', 'open');
  // At most one is open in each space.
  const open = (await newestFirst(query, { limit: spaceIds.length + 1 }).execute()).map(toCheckIn);
  const states = new Map<string, PresenceState | undefined>();
  await Promise.all(spaceIds.map(async (id) => states.set(id, (await readPresence(id, [customerId]))[0])));
  const deviceSeenAt = new Map<string, number>();
  for (const { deviceId, activeAt } of [...states.values()].flatMap((state) => state?.links ?? [])) {
    deviceSeenAt.set(deviceId, Math.max(activeAt, deviceSeenAt.get(deviceId) ?? 0));
  }
  const spaces = open.map(({ spaceId, startedAt, lastActivityAt, visitId }) => {
    const state = states.get(spaceId);
    const visit = state?.visits.find(({ id, isOpen }) => isOpen && id === visitId);
    return {
      spaceId,
      since: startedAt,
      lastActivityAt: Math.max(lastActivityAt, visit?.lastActivityAt ?? 0),
      seen: visitId === null || (visit !== undefined && state?.seen === true),
    };
  });
  return { spaces, deviceSeenAt };
}
