import { Unpackr } from 'msgpackr';
import type { Redis } from '../redis/connect.ts';
import { asked } from '../redis/redis-error.ts';
import { presenceMember, shardKeys, shardOf } from './keys.ts';

/** Presence of one customer in one space, as lua/presence.lua keeps it. Instants are epoch milliseconds. */
export type PresenceState = {
  readonly phase: 'absent' | 'arriving' | 'present';
  readonly since: number;
  readonly lastActivityAt: number;
  readonly visitId: string;
  readonly links: readonly PresenceLink[];
};

export type PresenceLink = {
  readonly deviceId: string;
  readonly activeAt: number;
  readonly reportedAt: number;
  readonly associated: boolean;
};

type PackedLink = [device: string, session: number, octets: number, activeAt: number, reportAt: number, open: boolean];
type Packed = [
  version: number,
  phase: 0 | 1 | 2,
  since: number,
  last: number,
  visit: string,
  previous: number,
  due: number,
  links: PackedLink[],
];

const phases = ['absent', 'arriving', 'present'] as const;
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

export function decodePresence(packed: Buffer): PresenceState {
  const [, phase, since, lastActivityAt, visitId, , , links] = unpackr.unpack(packed) as Packed;
  return {
    phase: phases[phase],
    since,
    lastActivityAt,
    visitId,
    links: links.map(([deviceId, , , activeAt, reportedAt, associated]) => ({
      deviceId,
      activeAt,
      reportedAt,
      associated,
    })),
  };
}

/** The presence of several customers in one space, in the order asked; undefined for whoever was not seen lately. */
export async function readPresence(
  redis: Redis,
  shards: number,
  spaceId: string,
  customerIds: readonly string[],
): Promise<(PresenceState | undefined)[]> {
  const found: (PresenceState | undefined)[] = customerIds.map(() => undefined);
  const byShard = new Map<number, number[]>();
  customerIds.forEach((customerId, index) => {
    const shard = shardOf(customerId, shards);
    const indexes = byShard.get(shard);
    if (indexes === undefined) byShard.set(shard, [index]);
    else indexes.push(index);
  });
  for (const [shard, indexes] of byShard) {
    const members = indexes.map((index) => presenceMember(spaceId, customerIds[index] as string));
    const packed = await asked('who is in', redis.hmgetBuffer(shardKeys(shard).presence, ...members));
    packed.forEach((value, at) => {
      if (value !== null) found[indexes[at] as number] = tryDecode(value);
    });
  }
  return found;
}

/** A damaged record says nothing; the next sighting begins it anew. */
function tryDecode(packed: Buffer): PresenceState | undefined {
  try {
    return decodePresence(packed);
  } catch {
    return undefined;
  }
}
