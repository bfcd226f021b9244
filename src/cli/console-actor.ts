import type { AuditAction } from '../identity/audit-actions.ts';
import { actingAs } from '../runtime/actor.ts';

/**
 * Does something on behalf of whoever typed the command; the audit log knows no more of them. A command that changes
 * something says what that is called: `run` does all of them as the console, without a name, under which nothing can be changed.
 */
export function asConsole<T>(action: AuditAction | undefined, work: () => T): T {
  return actingAs({ id: 'console', role: 'console', action }, work);
}
