import { sql } from 'kysely';
import type { Migration } from './migration.ts';

/** How an identity was spelled. */
export const devices: Migration = {
  name: '0003-devices',
  up: async (trx) => {
    await trx.schema
      .alterTable('identities')
      .addColumn('spelling', 'text', (c) => c.notNull().defaultTo(''))
      .execute();
    await sql`update identities set spelling = identity`.execute(trx);
  },
};
