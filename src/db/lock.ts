import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from '../runtime/user-error.ts';

/** SQLITE_BUSY. */
const busy = 5;

/**
 * Takes a data directory for this process. The lock is one that SQLite takes on a file of its own: the kernel releases
 * it when the process ends, however it ends, so there is never a stale one to remove by hand.
 */
export function lockDataDirectory(dataDir: string): Disposable {
  const owner = join(dataDir, 'rollcall.owner');
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(dataDir, 'rollcall.lock'), { timeout: 0 });
    lock.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; begin exclusive');
    // Who it is, for the message below only; what counts is the lock.
    writeFileSync(owner, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
  } catch (error) {
    lock?.close();
    if ((((error as { errcode?: number }).errcode ?? 0) & 0xff) === busy) {
      throw new UserError(
        `another Rollcall (${readOwner(owner)}) is using the data directory "${dataDir}"; stop it, or give this one a dataDir of its own`,
        { cause: error },
      );
    }
    throw new UserError(
      `cannot use the data directory "${dataDir}" (${(error as Error).message}); check that this user may write to it`,
      { cause: error },
    );
  }
  const held = lock;
  return { [Symbol.dispose]: () => held.close() };
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || 'starting';
  } catch {
    // It has the lock and has not come to write its name yet.
    return 'starting';
  }
}
