import { sql, type ColumnDataType } from 'kysely';
import type { Migration } from './migration.ts';

/** How an identity was spelled; devices that go from one address to the next; devices that two customers claim. */
export const devices: Migration = {
  name: '0003-devices',
  up: async (trx, kind) => {
    const integer: ColumnDataType = kind === 'sqlite' ? 'integer' : 'bigint';
    await trx.schema
      .alterTable('identities')
      .addColumn('spelling', 'text', (c) => c.notNull().defaultTo(''))
      .execute();
    await sql`update identities set spelling = identity`.execute(trx);
    await trx.schema
      .alterTable('devices')
      .addColumn('origin', 'text', (c) => c.notNull().defaultTo('registered'))
      .execute();
    await trx.schema.alterTable('device_addresses').addColumn('superseded_at', integer).execute();
    for (const [name, column] of Object.entries({ superseded: 'superseded_at', retired: 'retired_at' })) {
      await trx.schema
        .createIndex(`device_addresses_${name}`)
        .on('device_addresses')
        .column(column)
        .where(sql.ref(column), 'is not', null)
        .execute();
    }
    const conflicts = trx.schema
      .createTable('device_conflicts')
      .addColumn('id', 'text', (c) => c.notNull().primaryKey())
      .addColumn('device_id', 'text', (c) => c.notNull().references('devices.id').onDelete('cascade'))
      .addColumn('holder_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
      .addColumn('claimant_id', 'text', (c) => c.notNull().references('customers.id').onDelete('cascade'))
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('first_at', integer, (c) => c.notNull())
      .addColumn('last_at', integer, (c) => c.notNull())
      .addColumn('settled_at', integer)
      .addColumn('settlement', 'text')
      .addUniqueConstraint('device_conflicts_of_two', ['device_id', 'claimant_id', 'kind']);
    await (kind === 'sqlite' ? conflicts.modifyEnd(sql`strict`) : conflicts).execute();
    for (const column of ['holder_id', 'claimant_id'] as const) {
      await trx.schema.createIndex(`device_conflicts_by_${column}`).on('device_conflicts').column(column).execute();
    }
  },
};
