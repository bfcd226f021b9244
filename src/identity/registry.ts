import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AddressVault } from './address-vault.ts';

/** What it takes to keep customers and devices. */
export type Registry = {
  readonly db: Database;
  readonly clock: Clock;
  readonly vault: AddressVault;
};
