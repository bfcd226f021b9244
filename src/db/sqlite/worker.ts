import assert from 'node:assert';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { SqliteAnswer, SqliteGreeting, SqliteRequest, SqliteResult, SqliteWorkerData } from './protocol.ts';
import type { SqliteFailure } from './sqlite-error.ts';

/**
 * The thread that owns one connection. Everything here may block, which is the point: an fsync, a lock held by another
 * process or a long report never holds up the thread that answers the network.
 */
assert(parentPort);
const port = parentPort;
const { file, readOnly, statements } = workerData as SqliteWorkerData;

/** Longer statements are one of a kind (a batch of this many rows), and would only push out those that come again. */
const longestKept = 4096;
const prepared = new Map<string, StatementSync>();
const empty: SqliteResult = { columns: [], rows: [], changes: 0 };

let database: DatabaseSync;
try {
  database = open();
  greet({ opened: true });
  port.on('message', (request: SqliteRequest) => answer(request));
} catch (error) {
  greet({ opened: false, failure: toFailure(error) });
}

function open(): DatabaseSync {
  const opened = new DatabaseSync(file, { readOnly, timeout: 5000, enableForeignKeyConstraints: true });
  if (!readOnly) {
    opened.exec('pragma journal_mode = wal');
    // A commit is on the disk before it is reported; in WAL mode NORMAL would lose the last ones in a power cut.
    opened.exec('pragma synchronous = full');
    // What is deleted is overwritten, so that erased people cannot be read from free pages.
    opened.exec('pragma secure_delete = on');
    // 1000 pages are 4 MB: short enough for quick starts after a crash, long enough to amortise the copying.
    opened.exec('pragma wal_autocheckpoint = 1000');
    opened.exec('pragma journal_size_limit = 67108864');
  }
  // The default of 2 MB spills a large transaction to the disk while it still runs.
  opened.exec(`pragma cache_size = ${readOnly ? -8_192 : -16_384}`);
  opened.exec('pragma temp_store = memory');
  opened.exec('pragma trusted_schema = off');
  // Reads the header and the schema: a file that is no database is found out now, and not in the first request.
  opened.prepare('select count(*) from sqlite_schema').get();
  return opened;
}

function answer(request: SqliteRequest) {
  try {
    const result = 'rollback' in request ? rollback() : execute(request.sql, request.parameters as never[]);
    port.postMessage({ id: request.id, result } satisfies SqliteAnswer);
  } catch (error) {
    port.postMessage({ id: request.id, failure: toFailure(error) } satisfies SqliteAnswer);
  }
}

function execute(sql: string, parameters: readonly never[]): SqliteResult {
  const statement = prepare(sql);
  const columns = statement.columns();
  if (columns.length === 0) {
    return { columns: [], rows: [], changes: Number(statement.run(...parameters).changes) };
  }
  const rows = statement.all(...parameters) as unknown as SqliteResult['rows'];
  return { columns: columns.map((column) => column.name), rows, changes: rows.length };
}

function rollback(): SqliteResult {
  if (database.isTransaction) database.exec('rollback');
  return empty;
}

/** Least recently used first, by the order in which a Map keeps its keys. */
function prepare(sql: string): StatementSync {
  const kept = prepared.get(sql);
  if (kept) {
    prepared.delete(sql);
    prepared.set(sql, kept);
    return kept;
  }
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  if (sql.length > longestKept) return statement;
  if (prepared.size >= statements) {
    for (const oldest of prepared.keys()) {
      prepared.delete(oldest);
      break;
    }
  }
  prepared.set(sql, statement);
  return statement;
}

function greet(greeting: SqliteGreeting) {
  port.postMessage(greeting);
}

function toFailure(error: unknown): SqliteFailure {
  const { message, errcode } = error as { message?: string; errcode?: number };
  return { message: message ?? String(error), code: errcode ?? 1 };
}
