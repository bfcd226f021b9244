import { sql, type ColumnDataType } from 'kysely';
import type { Migration } from './migration.ts';

/** Visits that late evidence corrects, and what was observed, for `why`. */
export const evidence: Migration = {
  name: '0002-evidence',
  up: async (trx, kind) => {
    const integer: ColumnDataType = kind === 'sqlite' ? 'integer' : 'bigint';
    await trx.schema
      .alterTable('visits')
      .addColumn('revision', integer, (c) => c.notNull().defaultTo(0))
      .execute();
    await trx.schema.createIndex('visits_by_activity').on('visits').column('last_activity_at').execute();
    const runs = trx.schema
      .createTable('observed_runs')
      .addColumn('customer_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
      .addColumn('space_id', 'text', (c) => c.notNull())
      .addColumn('device_id', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('first_at', integer, (c) => c.notNull())
      .addColumn('last_at', integer, (c) => c.notNull())
      .addColumn('count', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('observed_runs_pk', ['customer_id', 'space_id', 'device_id', 'first_at', 'kind']);
    await (kind === 'sqlite' ? runs.modifyEnd(sql`strict, without rowid`) : runs).execute();
    await trx.schema.createIndex('observed_runs_by_age').on('observed_runs').column('last_at').execute();
  },
};
