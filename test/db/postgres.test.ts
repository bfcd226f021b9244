import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { inTransaction, nextNumbers } from '../../src/db/transaction.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { useDatabases } from '../support/databases.ts';

const databases = useDatabases('postgres');

test('a server that goes away is an error worth a retry, and when it is back so are we', async () => {
  const server = await databases.postgres();
  const db = await databases.open();
  await server.stop();
  await expect(db.ping()).rejects.toMatchObject({ name: 'DatabaseError', retryable: true });
  await expect(inTransaction(db, (trx) => nextNumbers(trx, 'events', 1))).rejects.toMatchObject({ retryable: true });
  await server.resume();
  await db.ping();
  expect(await inTransaction(db, (trx) => nextNumbers(trx, 'events', 1))).toBe(1);
});

test('a connection that is cut within a transaction undoes it, and is not used again', async () => {
  const server = await databases.postgres();
  const db = await databases.open();
  const cut = inTransaction(db, async (trx) => {
    await nextNumbers(trx, 'events', 1);
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    await server.query(`select pg_terminate_backend(${rows[0]?.pid})`);
    return await nextNumbers(trx, 'events', 1);
  });
  await expect(cut).rejects.toMatchObject({ retryable: true });
  const all = await Promise.all(
    Array.from({ length: 12 }, () => inTransaction(db, (trx) => nextNumbers(trx, 'events', 1))),
  );
  expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
});

test('two transactions that wait for each other both come through', async () => {
  const db = await databases.open();
  const firstLock = new Map([
    ['events', Promise.withResolvers<void>()],
    ['changes', Promise.withResolvers<void>()],
  ]);
  const taking = async (first: 'events' | 'changes', second: 'events' | 'changes') =>
    await inTransaction(db, async (trx) => {
      await nextNumbers(trx, first, 1);
      firstLock.get(first)?.resolve();
      await firstLock.get(second)?.promise;
      await nextNumbers(trx, second, 1);
    });
  await Promise.all([taking('events', 'changes'), taking('changes', 'events')]);
  const counters = await db.read.selectFrom('counters').selectAll().orderBy('name').execute();
  const value = (name: string) => counters.find((counter) => counter.name === name)?.value;
  expect([value('events'), value('changes')]).toEqual([2, 2]);
});

test('a server that is not there is one sentence that names it and not its password', async () => {
  const databaseUrl = 'postgres://rollcall:hunter2@127.0.0.1:1/rollcall';
  const opening = openDatabase(
    { dataDir: '', databaseUrl },
    { migrate: true, clock: systemClock, onError: () => undefined },
  );
  await expect(opening).rejects.toThrow(/"127\.0\.0\.1:1\/rollcall".*databaseUrl/u);
  await expect(opening).rejects.not.toThrow(/hunter2/u);
});
