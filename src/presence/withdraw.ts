import { Packr } from 'msgpackr';
import { asked } from '../redis/redis-error.ts';
import { presenceMember, shardOf } from './keys.ts';
import type { PresenceStore } from './store.ts';
import type { WithdrawalReason } from './transition.ts';

const packr = new Packr({ useRecords: false });

/**
 * Ends what is open of a customer in these spaces and forgets all evidence of them. The visits' ends go to the ledger through the
 * stream, behind whatever of them is in it already. Answers in how many spaces something was known.
 */
export async function withdrawPresence(
  stores: readonly PresenceStore[],
  customerId: string,
  spaceIds: readonly string[],
  reason: WithdrawalReason,
): Promise<number> {
  const store = storeOf(stores, customerId);
  const members = spaceIds.map((spaceId) => presenceMember(spaceId, customerId));
  return Number(await asked('forgetting presence', store.run('withdraw', [reason, packr.pack(members)])));
}

/** Removes presence that the ledger refused because it does not know the customer (any more). */
export async function forgetUnknown(
  store: PresenceStore,
  refused: readonly { readonly customerId: string; readonly spaceId: string; readonly visitId: string }[],
): Promise<number> {
  const entries = refused.map((each) => [presenceMember(each.spaceId, each.customerId), each.visitId]);
  return Number(await store.run('forgetUnknown', [packr.pack(entries)]));
}

/** The spaces in which something is known of a customer, found by a look at all that there is. */
export async function spacesWithPresence(
  stores: readonly PresenceStore[],
  customerId: string,
): Promise<readonly string[]> {
  const { redis, keys } = storeOf(stores, customerId);
  const end = presenceMember('', customerId);
  const found = new Set<string>();
  let cursor = '0';
  do {
    // No id holds a character that means something in a pattern.
    const [next, entries] = await redis.hscan(keys.presence, cursor, 'MATCH', `*${end}`, 'COUNT', 1000);
    for (let i = 0; i < entries.length; i += 2) found.add((entries[i] as string).slice(0, -end.length));
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}

function storeOf(stores: readonly PresenceStore[], customerId: string): PresenceStore {
  return stores[shardOf(customerId, stores.length)] as PresenceStore;
}
