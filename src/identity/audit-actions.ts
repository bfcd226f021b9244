import type { AuditOutcome } from '../db/audit-log.ts';

/** Everything that the audit log tells of. What reads is here only where it shows personal data. */
export const auditActions = [
  'customer.put',
  'customer.read',
  'customer.list',
  'customer.export',
  'customer.erased',
  'device.put',
  'device.read',
  'device.list',
  'device.delete',
  'device.import',
  'device.assign',
  'device.unregistered',
  'conflict.list',
  'conflict.settle',
  'pass.create',
  'pass.list',
  'pass.revoke',
  'checkIn.create',
  'checkIn.read',
  'checkIn.list',
  'checkIn.checkOut',
  'checkIn.void',
  'token.create',
  'token.list',
  'token.revoke',
  'why.read',
  'audit.read',
  'me.read',
  'me.change',
  'me.export',
  'me.erased',
  'me.device.claim',
  'me.device.delete',
  'me.why',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const auditOutcomes = ['done', 'failed', 'unchanged', 'forbidden'] as const satisfies readonly AuditOutcome[];
