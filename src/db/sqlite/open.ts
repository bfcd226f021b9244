import { Kysely, sql } from 'kysely';
import { mkdirSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../runtime/user-error.ts';
import { AuditLog } from '../audit-log.ts';
import type { Database } from '../database.ts';
import type { Schema } from '../schema.ts';
import { Signal } from '../signal.ts';
import { within } from '../within.ts';
import { SqliteWorkerDialect } from './dialect.ts';
import type { SqliteWorkerData } from './protocol.ts';
import { SqliteWorker } from './worker-client.ts';

export const ledgerFile = 'ledger.sqlite';

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged = new Set([11, 26]);

export async function openSqlite(dataDir: string): Promise<Database> {
  const file = join(dataDir, ledgerFile);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // SQLite gives its journal the mode of the database, and would create that one readable by everybody.
    closeSync(openSync(file, 'a', 0o600));
    await using stack = new AsyncDisposableStack();
    const write = stack.adopt(await connect({ file, readOnly: false, statements: 200 }), destroy);
    const read = stack.adopt(await connect({ file, readOnly: true, statements: 200 }), destroy);
    const connections = stack.move();
    return {
      kind: 'sqlite',
      write,
      read,
      ping: () => within(6_000, Promise.all([sql`select 1`.execute(write), sql`select 1`.execute(read)])),
      registryChanged: new Signal(),
      audit: new AuditLog('sqlite'),
      [Symbol.asyncDispose]: () => connections.disposeAsync(),
    };
  } catch (error) {
    throw toUserError(error, file);
  }
}

async function connect(data: SqliteWorkerData): Promise<Kysely<Schema>> {
  return new Kysely<Schema>({ dialect: new SqliteWorkerDialect(data, await SqliteWorker.open(data)) });
}

/** Kysely starts its driver with the first query and stops only one that was started. */
async function destroy(kysely: Kysely<Schema>) {
  await sql`select 1`.execute(kysely).catch(() => undefined);
  await kysely.destroy();
}

function toUserError(error: unknown, file: string): UserError {
  const { message, cause } = error as Error;
  const code = ((cause as { code?: number } | undefined)?.code ?? 0) & 0xff;
  const advice = damaged.has(code)
    ? 'it is damaged or no ledger at all: move it away and restore a backup'
    : 'check that this user may read and write it and its directory, and that the disk is not full';
  return new UserError(`cannot open the ledger "${file}" (${message}); ${advice}`, { cause: error });
}
