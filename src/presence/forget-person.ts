import type { MacAddress } from '../observation/mac-address.ts';
import { shardOf } from './keys.ts';
import type { PresenceStore } from './store.ts';
import { spacesWithPresence, withdrawPresence } from './withdraw.ts';
import type { UnregisteredStations } from './unregistered.ts';

const entriesPerPage = 1_000;

/**
 * Takes a customer out of everything that Redis holds: presence with its timers, transitions that were not recorded, and those that
 * were refused. The ledger must not need them any more.
 */
export async function forgetPerson(stores: readonly PresenceStore[], customerId: string): Promise<void> {
  const store = stores[shardOf(customerId, stores.length)] as PresenceStore;
  const spaces = await spacesWithPresence(stores, customerId);
  if (spaces.length > 0) await withdrawPresence(stores, customerId, spaces, 'erased');
  await forgetTransitions(store, customerId);
  await forgetRefused(store, customerId);
}

/** How many transitions of theirs wait to be recorded. */
export async function countWaiting(stores: readonly PresenceStore[], customerId: string): Promise<number> {
  const store = stores[shardOf(customerId, stores.length)] as PresenceStore;
  let count = 0;
  for await (const ids of waiting(store, customerId)) count += ids.length;
  return count;
}

/** What was seen of these stations while, or where, they belonged to nobody. */
export async function forgetStations(
  unregistered: Pick<UnregisteredStations, 'forgetStation'>,
  spaceIds: readonly string[],
  stations: readonly MacAddress[],
): Promise<void> {
  for (const station of stations) for (const spaceId of spaceIds) await unregistered.forgetStation(spaceId, station);
}

async function forgetTransitions(store: PresenceStore, customerId: string): Promise<void> {
  const { redis, keys } = store;
  for await (const ids of waiting(store, customerId)) {
    if (ids.length > 0) await redis.xdel(keys.transitions, ...ids);
  }
}

/** Ids of the stream's entries that name the customer, page by page. */
async function* waiting({ redis, keys }: PresenceStore, customerId: string): AsyncGenerator<readonly string[]> {
  let from = '-';
  for (;;) {
    const entries = await redis.xrange(keys.transitions, from, '+', 'COUNT', entriesPerPage);
    yield entries.filter(([, fields]) => names(fields, customerId)).map(([id]) => id);
    const last = entries.at(-1)?.[0];
    if (last === undefined || entries.length < entriesPerPage) return;
    from = `(${last}`;
  }
}

/** Names and values in turn; of a conflict, the one whose device it is registered as is named too. */
function names(fields: readonly string[], customerId: string): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if ((fields[i] === 'customer' || fields[i] === 'owner') && fields[i + 1] === customerId) return true;
  }
  return false;
}

async function forgetRefused({ redis, keys }: PresenceStore, customerId: string): Promise<void> {
  for (const text of await redis.lrange(keys.refused, 0, -1)) {
    const { transition } = JSON.parse(text) as {
      readonly transition: Readonly<Record<string, unknown>>;
    };
    const isTheirs = Object.values(transition).includes(customerId);
    if (isTheirs) await redis.lrem(keys.refused, 0, text);
  }
}
