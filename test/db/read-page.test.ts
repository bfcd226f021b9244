import { describe, expect, test } from 'vitest';
import { readPage } from '../../src/db/read-page.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';

describe.each(databaseKinds)('a page of rows on %s', (kind) => {
  const databases = useDatabases(kind);

  test('holds what the query gives, in its order, whatever the values are', async () => {
    const db = await databases.open();
    const changes = [
      { sequence: 3, kind: 'customer', key: 'line\nbreak "and" \\ 🛰️', at: 9_007_199_254_740_991 },
      { sequence: 1, kind: 'device', key: '', at: 0 },
      { sequence: 2, kind: 'customer', key: '[1,null]', at: 5 },
    ] as const;
    await db.write
      .insertInto('changes')
      .values([...changes])
      .execute();
    const query = db.read.selectFrom('changes').select(['sequence', 'key', 'at']).orderBy('sequence', 'desc').limit(2);
    expect(await readPage(db, query, ['sequence', 'key', 'at'])).toEqual(await query.execute());
    expect((await readPage(db, query, ['sequence'])).map(({ sequence }) => sequence)).toEqual([3, 2]);
  });

  test('is empty when there are no rows, and keeps what is null', async () => {
    const db = await databases.open();
    const none = db.read.selectFrom('changes').select('key').where('sequence', '<', 0);
    expect(await readPage(db, none, ['key'])).toEqual([]);
    const nothing = db.read
      .selectFrom('counters')
      .select((eb) => [eb.val(null).as('nothing'), 'name'])
      .where('name', '=', 'changes');
    expect(await readPage(db, nothing, ['nothing', 'name'])).toEqual([{ nothing: null, name: 'changes' }]);
  });
});
