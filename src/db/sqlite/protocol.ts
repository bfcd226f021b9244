import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { SqliteFailure } from './sqlite-error.ts';

/** What the worker is started with. */
export type SqliteWorkerData = {
  readonly file: string;
  readonly readOnly: boolean;
  /** Statements kept prepared. */
  readonly statements: number;
};

/** `rollback` is a request of its own because SQLite may already have rolled back by itself, which is no error. */
export type SqliteRequest =
  | { readonly id: number; readonly sql: string; readonly parameters: readonly SQLInputValue[] }
  | { readonly id: number; readonly rollback: true };

/** Rows travel as arrays: the names of the columns once per answer instead of once per row. */
export type SqliteResult = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SQLOutputValue[])[];
  readonly changes: number;
};

export type SqliteAnswer =
  | { readonly id: number; readonly result: SqliteResult }
  | { readonly id: number; readonly failure: SqliteFailure };

/** The first message of a worker, before any answer. */
export type SqliteGreeting = { readonly opened: true } | { readonly opened: false; readonly failure: SqliteFailure };
