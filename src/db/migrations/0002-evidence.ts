import type { ColumnDataType } from 'kysely';
import type { Migration } from './migration.ts';

/** Visits that late evidence corrects, with what was observed of them, for `why`. */
export const evidence: Migration = {
  name: '0002-evidence',
  up: async (trx, kind) => {
    const integer: ColumnDataType = kind === 'sqlite' ? 'integer' : 'bigint';
    await trx.schema
      .alterTable('visits')
      .addColumn('revision', integer, (c) => c.notNull().defaultTo(0))
      .execute();
    await trx.schema
      .alterTable('visits')
      .addColumn('runs', 'text', (c) => c.notNull().defaultTo('[]'))
      .execute();
  },
};
