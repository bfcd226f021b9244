import { DatabaseError, type Constraint } from '../database-error.ts';

/** An error of `node:sqlite`, as it survives the way out of the worker. */
export type SqliteFailure = { readonly message: string; readonly code: number };

/** The low byte of an extended result code is the primary one (sqlite.org/rescode.html). */
const primary = { error: 1, busy: 5, locked: 6, noMemory: 7, readOnly: 8, ioError: 10, full: 13, cannotOpen: 14 };

const retryable = new Set([
  primary.busy,
  primary.locked,
  primary.noMemory,
  primary.readOnly,
  primary.ioError,
  primary.full,
  primary.cannotOpen,
]);

/** SQLITE_CONSTRAINT, and what its extended codes say. A repeated primary key is not unique either. */
const constraintCode = 19;
const constraints: Readonly<Record<number, Constraint>> = {
  275: 'check',
  787: 'foreignKey',
  1299: 'notNull',
  1555: 'unique',
  2067: 'unique',
  2579: 'unique',
  // SQLITE_CONSTRAINT_TRIGGER: how an immediate foreign key with ON DELETE RESTRICT fails.
  1811: 'foreignKey',
};

export function toDatabaseError(failure: SqliteFailure): DatabaseError {
  const code = failure.code & 0xff;
  return new DatabaseError(`sqlite: ${failure.message}`, {
    retryable: retryable.has(code),
    constraint: code === constraintCode ? (constraints[failure.code] ?? 'other') : undefined,
    cause: failure,
  });
}
