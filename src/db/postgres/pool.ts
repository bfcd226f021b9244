import { Pool, TypeOverrides, types } from 'pg';

/** int8 and numeric, the type of its sums, are numbers here as in SQLite; nothing of ours reaches 2^53. */
const parsers = new TypeOverrides();
parsers.setTypeParser(types.builtins.INT8, Number);
parsers.setTypeParser(types.builtins.NUMERIC, Number);

export type PoolOptions = {
  readonly databaseUrl: string;
  /** Told of connections lost while nobody used them. */
  readonly onError: (error: Error) => void;
};

export function createPool({ databaseUrl, onError }: PoolOptions): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'rollcall',
    max: 10,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: 30_000,
    // The client's own limit is the later one: it only matters when the server can no longer be heard.
    query_timeout: 35_000,
    idle_in_transaction_session_timeout: 60_000,
    types: parsers,
  });
  pool.on('error', onError);
  // The pool listens to idle connections only. One that breaks while it is lent out between two statements would be an
  // uncaught exception; whoever holds it learns of it by the next statement.
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

function ignore() {
  // Reported where the connection is used.
}
