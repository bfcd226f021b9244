import { putCustomer } from '../../src/identity/customers.ts';
import type { World } from './world.ts';

export async function addCustomer({ ports }: World, id: string): Promise<void> {
  await putCustomer(ports.registry, id, { name: id });
}

/** `count` events in the ledger: check-ins and check-outs of one customer, one after the other. */
export async function addEvents(world: World, count: number, spaceId = 'annex'): Promise<void> {
  for (let made = 0; made < count; made += 2) {
    world.clock.pass(1_000);
    const outcome = await world.ledger.checkIn({ customerId: 'mia', spaceId }, 'admin');
    if (outcome.result !== 'checkedIn') throw new Error(`expected a check-in, not ${outcome.result}`);
    world.clock.pass(1_000);
    if (made + 1 < count) await world.ledger.checkOut(outcome.checkIn.id, {}, 'admin');
  }
}
