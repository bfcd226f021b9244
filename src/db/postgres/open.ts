import { Kysely, sql } from 'kysely';
import { UserError } from '../../runtime/user-error.ts';
import { DatabaseError } from '../database-error.ts';
import { AuditLog } from '../audit-log.ts';
import type { Database } from '../database.ts';
import type { Schema } from '../schema.ts';
import { Signal } from '../signal.ts';
import { within } from '../within.ts';
import { PostgresPoolDialect } from './dialect.ts';
import { createPool, type PoolOptions } from './pool.ts';

export async function openPostgres(options: PoolOptions): Promise<Database> {
  const db = createPostgres(options);
  try {
    await db.ping();
    return db;
  } catch (error) {
    await db[Symbol.asyncDispose]();
    if (!(error instanceof DatabaseError)) throw error;
    throw new UserError(
      `cannot use the PostgreSQL at ${withoutPassword(options.databaseUrl)} (${error.message}); check databaseUrl, and that the server runs`,
      { cause: error },
    );
  }
}

function createPostgres(options: PoolOptions): Database {
  const pool = createPool(options);
  const kysely = new Kysely<Schema>({ dialect: new PostgresPoolDialect(pool) });
  return {
    kind: 'postgres',
    write: kysely,
    read: kysely,
    ping: () => within(6_000, sql`select 1`.execute(kysely)),
    registryChanged: new Signal(),
    audit: new AuditLog('postgres'),
    [Symbol.asyncDispose]: () => kysely.destroy(),
  };
}

/** For messages. A URL that cannot be parsed may be anything, a password too. */
function withoutPassword(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'databaseUrl';
  const { hostname, port, pathname } = new URL(databaseUrl);
  return `"${hostname || 'localhost'}:${port || '5432'}${pathname}"`;
}
