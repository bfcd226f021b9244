import type { Transaction } from 'kysely';
import type { Schema } from '../schema.ts';

export type DatabaseKind = 'sqlite' | 'postgres';

/**
 * One step of the schema. Steps are only ever appended: what has run somewhere is never edited. Each runs inside the
 * transaction that also records it.
 */
export type Migration = {
  readonly name: string;
  readonly up: (trx: Transaction<Schema>, kind: DatabaseKind) => Promise<void>;
};
