import { sql, type ColumnDataType } from 'kysely';
import type { Migration } from './migration.ts';

/** What people choose about themselves, and erasures: those at work, and that there were any. */
export const privacy: Migration = {
  name: '0006-privacy',
  up: async (trx, kind) => {
    const integer: ColumnDataType = kind === 'sqlite' ? 'integer' : 'bigint';
    const end = kind === 'sqlite' ? sql`strict, without rowid` : sql``;
    await trx.schema
      .createTable('privacy_choices')
      .addColumn('customer_id', 'text', (c) => c.notNull().primaryKey().references('customers.id').onDelete('cascade'))
      .addColumn('hidden', integer, (c) => c.notNull())
      .addColumn('paused_until', integer)
      .addColumn('tracked_since', integer)
      .modifyEnd(end)
      .execute();
    await trx.schema
      .createTable('erasures')
      .addColumn('hash', 'text', (c) => c.notNull().primaryKey())
      .addColumn('customer_id', 'text')
      .addColumn('asked_at', integer, (c) => c.notNull())
      .addColumn('done_at', integer)
      .modifyEnd(end)
      .execute();
    await trx.schema
      .createIndex('erasures_at_work')
      .on('erasures')
      .column('asked_at')
      .where(sql.ref('done_at'), 'is', null)
      .execute();
    await trx.schema.createIndex('events_by_customer').on('events').columns(['customer_id', 'sequence']).execute();
    await trx.schema
      .createIndex('events_of_conflicts')
      .on('events')
      .column('sequence')
      .where(sql.ref('type'), '=', sql.lit('device.conflict'))
      .execute();
    // Their keys were the identities themselves.
    await sql`update changes set kind = 'everything', key = '' where kind = 'identity'`.execute(trx);
  },
};
