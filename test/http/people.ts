import type { World } from './world.ts';

/** A customer whose row is written directly, for tests that are about something else. */
export async function addCustomer({ db, clock }: World, id: string): Promise<void> {
  const at = clock.now();
  const row = {
    id,
    name: id,
    email: null,
    plan_id: null,
    active: 1,
    opted_in: null,
    share_name: 0,
    data_key: '-',
  } as const;
  await db.write
    .insertInto('customers')
    .values({ ...row, created_at: at, updated_at: at })
    .execute();
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
