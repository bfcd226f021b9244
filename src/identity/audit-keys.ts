import { createHmac } from 'node:crypto';
import type { AuditKeys } from '../db/audit-log.ts';
import type { AddressVault } from './address-vault.ts';
import type { MasterKey } from './master-key.ts';

/** What sealed details belong to: no other text sealed for the customer opens as one. */
export const auditContext = 'audit details';

/** The keys of the audit log, from the master key. Who has only the database can neither write a line nor tell whom one is about. */
export function createAuditKeys(masterKey: MasterKey, vault: AddressVault): AuditKeys {
  const chainKey = masterKey.derive('audit chain');
  const subjectKey = masterKey.derive('audit subject');
  return {
    sign: (text) => createHmac('sha256', chainKey).update(text).digest('base64url'),
    subjectOf: (customerId) => createHmac('sha256', subjectKey).update(customerId).digest('base64url').slice(0, 22),
    seal: (details, owner) => vault.sealText(details, owner, auditContext),
  };
}
