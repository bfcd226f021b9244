import { randomBytes } from 'node:crypto';
import type { Database } from '../../src/db/database.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { createAuditKeys } from '../../src/identity/audit-keys.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { parseMacAddress, type MacAddress } from '../../src/observation/mac-address.ts';
import { systemClock, type Clock } from '../../src/runtime/clock.ts';

/** What the functions of `identity/` take, with a key of its own. */
export function createRegistry(db: Database, clock: Clock = systemClock): Registry {
  const masterKey = new MasterKey(randomBytes(32));
  const vault = new AddressVault(masterKey);
  db.audit.open(createAuditKeys(masterKey, vault), clock);
  return { db, clock, vault };
}

export function mac(text: string): MacAddress {
  const address = parseMacAddress(text);
  if (address === undefined) throw new Error(`"${text}" is no MAC address`);
  return address;
}
