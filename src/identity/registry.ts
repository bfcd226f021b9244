import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AddressVault } from './address-vault.ts';

/** What it takes to keep customers and devices. */
export type Registry = {
  readonly db: Database;
  readonly clock: Clock;
  readonly vault: AddressVault;
  /** How many devices a customer may have; as many as they like when left out. */
  readonly quota?: number | undefined;
};
