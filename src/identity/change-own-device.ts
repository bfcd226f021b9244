import { inRegistryTransaction } from '../db/registry-transaction.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { DeviceInput } from './devices.ts';
import type { Registry } from './registry.ts';

/**
 * Changes what a customer says of a device of theirs; what is left out stays as it is. The device's id, or undefined
 * when they have none of this address: nothing is made, and nothing of anybody else's is touched.
 */
export async function changeOwnDevice(
  { db, clock, vault }: Registry,
  mac: MacAddress,
  { customerId, name, class: deviceClass }: DeviceInput,
): Promise<string | undefined> {
  return await inRegistryTransaction(db, clock, async (trx, note) => {
    const found = await trx
      .selectFrom('device_addresses as a')
      .innerJoin('devices as d', 'd.id', 'a.device_id')
      .select('d.id')
      .where('a.hash', '=', vault.hash(mac))
      .where('a.retired_at', 'is', null)
      .where('d.customer_id', '=', customerId)
      .executeTakeFirst();
    if (found === undefined) return undefined;
    const changes = {
      ...(name !== undefined && { name }),
      ...(deviceClass !== undefined && { class: deviceClass }),
      updated_at: clock.now(),
    };
    await trx.updateTable('devices').set(changes).where('id', '=', found.id).execute();
    note('device', found.id);
    return found.id;
  });
}
