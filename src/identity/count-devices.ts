import type { Database } from '../db/database.ts';

/** How many devices a customer has registered. */
export async function countDevices(db: Database, customerId: string): Promise<number> {
  const { count } = await db.read
    .selectFrom('devices')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('customer_id', '=', customerId)
    .executeTakeFirstOrThrow();
  // PostgreSQL counts in 64 bits, which its client gives as text.
  return Number(count);
}
