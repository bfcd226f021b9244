import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';

/** Where a device was in none of so many check-ins, nobody misses the answer. */
const checkInsRead = 500;

/** When each of a customer's devices was last active in a check-in, epoch milliseconds, by device id. */
export async function lastSeenOf(
  reader: Database['read'] | Transaction<Schema>,
  customerId: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await reader
    .selectFrom('check_ins')
    .select(['device_ids', 'last_activity_at'])
    .where('customer_id', '=', customerId)
    .where('state', 'in', ['open', 'closed'])
    .orderBy('started_at', 'desc')
    .limit(checkInsRead)
    .execute();
  const seen = new Map<string, number>();
  for (const { device_ids, last_activity_at } of rows) {
    for (const id of JSON.parse(device_ids) as readonly string[]) {
      seen.set(id, Math.max(seen.get(id) ?? 0, last_activity_at));
    }
  }
  return seen;
}
