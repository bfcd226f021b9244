import { isAnyOf } from '../db/bulk.ts';
import { inRegistryTransaction } from '../db/registry-transaction.ts';
import type { Registry } from './registry.ts';

const devicesPerStep = 200;

/**
 * Forgets devices that were registered by the network's proof alone before the instant `before`, and that no check-in has named since then.
 * Should one come back, the same proof registers it again. All of them, some at a time; how many that were.
 */
export async function forgetLearnedDevices(registry: Registry, before: number): Promise<number> {
  const { db } = registry;
  let count = 0;
  for (let after = ''; ;) {
    const learned = await db.read
      .selectFrom('devices')
      .select(['id', 'customer_id'])
      .where('origin', '=', 'identity')
      .where('created_at', '<', before)
      .where('id', '>', after)
      .orderBy('id')
      .limit(devicesPerStep)
      .execute();
    const customerIds = [...new Set(learned.map((device) => device.customer_id))];
    const seen = await devicesSeen(registry, customerIds, before);
    const unseen = learned.filter(({ id }) => !seen.has(id)).map(({ id }) => id);
    if (unseen.length > 0) count += await forget(registry, unseen, before);
    if (learned.length < devicesPerStep) return count;
    after = learned.at(-1)?.id ?? '';
  }
}

/** The devices that these customers' check-ins name, of those that are open or whose last activity was at or after `since`. */
async function devicesSeen(
  { db }: Registry,
  customerIds: readonly string[],
  since: number,
): Promise<ReadonlySet<string>> {
  if (customerIds.length === 0) return new Set();
  const rows = await db.read
    .selectFrom('check_ins')
    .select('device_ids')
    .where(isAnyOf(db.kind, 'customer_id', customerIds))
    .where((eb) => eb.or([eb('state', '=', 'open'), eb('last_activity_at', '>=', since)]))
    .execute();
  return new Set(rows.flatMap((row) => JSON.parse(row.device_ids) as string[]));
}

async function forget({ db, clock }: Registry, deviceIds: readonly string[], before: number): Promise<number> {
  return await inRegistryTransaction(db, clock, async (trx, note) => {
    // Somebody may have registered one meanwhile.
    const rows = await trx
      .selectFrom('devices')
      .select('id')
      .where(isAnyOf(db.kind, 'id', deviceIds))
      .where('origin', '=', 'identity')
      .where('created_at', '<', before)
      .execute();
    const ids = rows.map(({ id }) => id);
    const addresses = await trx
      .selectFrom('device_addresses')
      .select('hash')
      .where(isAnyOf(db.kind, 'device_id', ids))
      .execute();
    await trx
      .deleteFrom('devices')
      .where(isAnyOf(db.kind, 'id', ids))
      .execute();
    for (const { hash } of addresses) note('address', hash);
    for (const id of ids) note('device', id);
    return ids.length;
  });
}
