import type { Database } from '../db/database.ts';
import type { PresenceStore } from '../presence/store.ts';
import { withdrawPresence } from '../presence/withdraw.ts';
import type { Clock } from '../runtime/clock.ts';
import { DeadlineError, withDeadline } from '../runtime/deadline.ts';
import type { Logger } from '../runtime/logger.ts';
import { Loop } from '../runtime/loop.ts';
import { clearRuns } from './runs.ts';

export type WithdrawalPorts = {
  readonly db: Database;
  readonly stores: readonly PresenceStore[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spaceIds: () => readonly string[];
  /** Resolves when what this process has taken in is in Redis. */
  readonly settled: () => Promise<void>;
  /** Whether a customer who said nothing has opted in. */
  readonly assumeOptIn: boolean;
};

const settleMs = 2_000;

/**
 * Customers who are not to be seen any more: they are out at once, at their last activity, and what was observed of them is forgotten.
 * The directory must know of it already, so that nothing comes after. Every node does this when it learns of it, for what it has
 * taken in itself.
 */
export class Withdrawals implements AsyncDisposable {
  readonly #ports: WithdrawalPorts;
  readonly #waiting = new Set<string>();
  readonly #loop: Loop;

  constructor(ports: WithdrawalPorts) {
    this.#ports = ports;
    this.#loop = new Loop({
      run: () => this.#workOff(),
      everyMs: 60_000,
      backoff: { firstMs: 250, mostMs: 10_000 },
      onError: (err, failures) => {
        if (failures === 1) ports.logger.warn({ err }, 'somebody who opted out is still held as present; trying again');
      },
    });
  }

  /** Whoever opted out while no node was at work. */
  async start(): Promise<void> {
    const { db, clock, assumeOptIn } = this.#ports;
    const rows = await db.read
      .selectFrom('visits')
      .innerJoin('customers', 'customers.id', 'visits.customer_id')
      .leftJoin('privacy_choices', 'privacy_choices.customer_id', 'customers.id')
      .select('customers.id')
      .distinct()
      .where('visits.departed_at', 'is', null)
      .where((eb) =>
        eb.or([
          eb('customers.opted_in', '=', 0),
          eb('privacy_choices.paused_until', '>', clock.now()),
          ...(assumeOptIn ? [] : [eb('customers.opted_in', 'is', null)]),
        ]),
      )
      .execute();
    for (const { id } of rows) this.note(id);
  }

  /** In the background, until it is done. */
  note(customerId: string): void {
    this.#waiting.add(customerId);
    this.#loop.wake();
  }

  /** Resolves when nothing of them is left in Redis; the ledger follows through the stream. */
  async withdraw(customerId: string): Promise<void> {
    const { db, stores, spaceIds, settled } = this.#ports;
    await withDeadline(settleMs, settled()).catch((error: unknown) => {
      if (!(error instanceof DeadlineError)) throw error;
    });
    const visited = await db.read
      .selectFrom('visits')
      .select('space_id')
      .distinct()
      .where('customer_id', '=', customerId)
      .execute();
    const spaces = new Set([...spaceIds(), ...visited.map((row) => row.space_id)]);
    await withdrawPresence(stores, customerId, [...spaces], 'manual');
    if (visited.length > 0) await clearRuns(db.write, [customerId]);
  }

  async #workOff(): Promise<void> {
    for (const customerId of this.#waiting) {
      await this.withdraw(customerId);
      this.#waiting.delete(customerId);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }
}
