import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { inTransaction, nextNumbers } from '../../src/db/transaction.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { systemClock } from '../../src/runtime/clock.ts';

describe.each(databaseKinds)('the database on %s', (kind) => {
  const databases = useDatabases(kind);

  test('hands out gapless numbers to concurrent transactions', async () => {
    const db = await databases.open();
    const first = await Promise.all(Array.from({ length: 20 }, () => inTransaction(db, (trx) => nextNumbers(trx, 'events', 2))));
    expect(first.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => 1 + index * 2));
  });
});
