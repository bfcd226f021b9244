import type { Kysely } from 'kysely';
import type { Clock } from '../runtime/clock.ts';
import type { AuditLog } from './audit-log.ts';
import { migrate, requireCurrentSchema } from './migrate.ts';
import type { DatabaseKind } from './migrations/migration.ts';
import { openPostgres } from './postgres/open.ts';
import type { Schema } from './schema.ts';
import type { Signal } from './signal.ts';
import { openSqlite } from './sqlite/open.ts';

/** The ledger and the registry, whichever engine holds them. */
export interface Database extends AsyncDisposable {
  readonly kind: DatabaseKind;
  readonly write: Kysely<Schema>;
  /** Sees every transaction that `write` has reported committed. On SQLite it cannot write, and never waits for a writer. */
  readonly read: Kysely<Schema>;
  /** Resolves when the database answers, and rejects with a `DatabaseError` otherwise, within a few seconds. */
  ping(): Promise<void>;
  /** After every change of the registry that this process made; those of others are found in `changes`. */
  readonly registryChanged: Signal;
  /** Who changed or looked up what. */
  readonly audit: AuditLog;
}

export type DatabaseConfig = {
  readonly dataDir: string;
  /** Absent: SQLite in `dataDir`. */
  readonly databaseUrl?: string | undefined;
};

export type DatabaseOptions = {
  /** Bring the schema up to date. Otherwise one that is not is refused. */
  readonly migrate: boolean;
  readonly clock: Clock;
  /** Told of trouble that no caller can be told of, such as an idle connection that was closed by the server. */
  readonly onError: (error: Error) => void;
};

/** Opens the database, or throws a `UserError` that says what to do. */
export async function openDatabase(config: DatabaseConfig, options: DatabaseOptions): Promise<Database> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(
    config.databaseUrl === undefined
      ? await openSqlite(config.dataDir)
      : await openPostgres({ databaseUrl: config.databaseUrl, onError: options.onError }),
  );
  if (options.migrate) await migrate(db, options.clock);
  else await requireCurrentSchema(db);
  stack.move();
  return db;
}
