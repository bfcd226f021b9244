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
  /** Beginning of keys, a hash each: keyed hash of a network address -> the stations that were said to have it, sealed. */
  readonly addresses: string;
  /** Beginning of keys, a hash each: keyed hash of a station -> the addresses it was said to have, and by whom. */
  readonly addressHolders: string;
  /** String: the node that puts presence back from the ledger now. */
  readonly restoreDuty: string;
  /** String: written to find out whether Redis takes writes. */
  readonly probe: string;
  /** Hash: the epoch, the beat, and when nothing was seen (presence/lua/record.lua reads it). */
  readonly clock: string;
  /** Hash: number of a NAS -> what is known of it, packed (presence/lua/nas.lua describes it). */
  readonly nas: string;
};

/** String: the node that deletes what is old now. */
export const retentionDutyKey = 'rollcall:retention-duty';

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
    addresses: key('address'),
    addressHolders: key('address-holder'),
    restoreDuty: key('restore-duty'),
    probe: key('probe'),
    clock: key('clock'),
    nas: key('nas'),
  };
}

/** The keys that every presence script takes, in its order. */
export function presenceKeys(keys: ShardKeys): readonly string[] {
  return [keys.presence, keys.due, keys.transitions, keys.clock, keys.nas];
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
