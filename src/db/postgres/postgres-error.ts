import { DatabaseError, type Constraint } from '../database-error.ts';

/** SQLSTATE, appendix A of the PostgreSQL manual. */
const constraints: Readonly<Record<string, Constraint>> = {
  '23001': 'foreignKey',
  '23502': 'notNull',
  '23503': 'foreignKey',
  '23505': 'unique',
  '23514': 'check',
};

const conflicts = new Set(['40001', '40P01']);

/**
 * Classes of what passes: 08 connection, 53 resources, 57 operator intervention (shutdown, failover, a cancelled
 * statement), 58 system. And single states: a lock not available, and a primary that has become a standby.
 */
const passingClasses = new Set(['08', '53', '57', '58']);
const passingStates = new Set(['55P03', '25006']);

export function toDatabaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { message, code } = error as { message?: string; code?: unknown };
  const state = sqlState(error);
  const text = `postgresql: ${message || String(code ?? error)}`;
  // Without a state the answer did not come from a server: the network failed, or a time limit of ours ran out.
  if (state === undefined) return new DatabaseError(text, { retryable: true, cause: error });
  return new DatabaseError(text, {
    retryable: passingClasses.has(state.slice(0, 2)) || passingStates.has(state) || conflicts.has(state),
    conflict: conflicts.has(state),
    constraint: state.startsWith('23') ? (constraints[state] ?? 'other') : undefined,
    cause: error,
  });
}

/** The state, when the server itself refused the statement. Its connection is then still in step. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined && /^[0-9A-Z]{5}$/u.test(code) ? code : undefined;
}
