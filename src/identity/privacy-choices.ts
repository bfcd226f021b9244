import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';

/** What a customer chose about themselves. Instants are epoch milliseconds. */
export type PrivacyChoices = {
  /** Not to be named to everybody who sees who is in. */
  readonly hidden: boolean;
  /** Until then they count as not opted in, and then count again by themselves. */
  readonly pausedUntil: number | null;
};

export type PrivacyChoicesInput = {
  readonly hidden?: boolean | undefined;
  readonly pausedUntil?: number | null | undefined;
};

export const nothingChosen: PrivacyChoices = { hidden: false, pausedUntil: null };

/** Of those of these customers who have chosen anything. */
export async function choicesOf(
  reader: Database['read'] | Transaction<Schema>,
  customerIds: readonly string[],
): Promise<ReadonlyMap<string, PrivacyChoices>> {
  if (customerIds.length === 0) return new Map();
  const rows = await reader
    .selectFrom('privacy_choices')
    .select(['customer_id', 'hidden', 'paused_until'])
    .where('customer_id', 'in', customerIds)
    .execute();
  return new Map(
    rows.map((row) => [row.customer_id, { hidden: row.hidden === 1, pausedUntil: row.paused_until }] as const),
  );
}

/**
 * Writes what is chosen anew; what is left out stays. `beginsAgain`: they have just opted in after they had opted out. Whoever begins
 * again, or takes a pause back, begins now: evidence of the time in between must not come to count later.
 */
export async function writeChoices(
  trx: Transaction<Schema>,
  customerId: string,
  input: PrivacyChoicesInput,
  { now, beginsAgain }: { readonly now: number; readonly beginsAgain: boolean },
): Promise<PrivacyChoices> {
  const before = await trx
    .selectFrom('privacy_choices')
    .selectAll()
    .where('customer_id', '=', customerId)
    .executeTakeFirst();
  const pausedUntil = input.pausedUntil === undefined ? (before?.paused_until ?? null) : input.pausedUntil;
  const endsPause = (before?.paused_until ?? 0) > now && (pausedUntil ?? 0) < (before?.paused_until ?? 0);
  const row = {
    customer_id: customerId,
    hidden: input.hidden === undefined ? (before?.hidden ?? 0) : input.hidden ? 1 : 0,
    paused_until: pausedUntil,
    // Access points tell time in whole seconds (RFC 2869, section 5.3), and what comes in this one comes after.
    tracked_since: beginsAgain || endsPause ? Math.floor(now / 1000) * 1000 : (before?.tracked_since ?? null),
  } as const;
  if (before !== undefined || row.hidden === 1 || row.paused_until !== null || row.tracked_since !== null) {
    await trx
      .insertInto('privacy_choices')
      .values(row)
      .onConflict((conflict) => conflict.column('customer_id').doUpdateSet(row))
      .execute();
  }
  return { hidden: row.hidden === 1, pausedUntil: row.paused_until };
}
