/**
 * Every Redis key of the service, in one place. A shard's keys share one hash tag, so that a script never crosses a
 * slot of a Redis Cluster.
 */
export type ShardKeys = {
  /** Hash: `space|customer` -> packed presence (presence/lua/presence.lua describes it). */
  readonly presence: string;
  /** Sorted set: `space|customer` by the epoch millisecond at which it must be looked at again. */
  readonly due: string;
  /** Stream of transitions that the ledger has not recorded yet. */
  readonly transitions: string;
  /** List: transitions that the database refused for good, as JSON, with the reason. */
  readonly refused: string;
  /** String: the node that records this shard's transitions now. */
  readonly recorderDuty: string;
  /** Hash: opaque id -> packed, sealed sighting of a device that belongs to nobody. */
  readonly unregistered: string;
  /** Sorted set: the same ids by the epoch millisecond at which they were last seen. */
  readonly unregisteredSeen: string;
  /** String: written to find out whether Redis takes writes. */
  readonly probe: string;
  /** Hash: NAS -> the last Accounting-On or Accounting-Off that it sent. */
  readonly nasResets: string;
};

export function shardKeys(shard: number): ShardKeys {
  const key = (name: string): string => `rollcall:{${shard}}:${name}`;
  return {
    presence: key('presence'),
    due: key('due'),
    transitions: key('transitions'),
    refused: key('refused'),
    recorderDuty: key('recorder-duty'),
    unregistered: key('unregistered'),
    unregisteredSeen: key('unregistered-seen'),
    probe: key('probe'),
    nasResets: key('nas-resets'),
  };
}

/** The one name of a customer in a space; ids never hold a `|`. */
export function presenceMember(spaceId: string, customerId: string): string {
  return `${spaceId}|${customerId}`;
}

/** Which shard a text belongs to: FNV-1a, stable over nodes and versions. */
export function shardOf(text: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}
