import { watch, type FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** A hundred thousand leases; more is no lease file. */
const mostBytes = 16 * 1024 * 1024;

export type FileContent = {
  readonly text: string;
  /** Epoch milliseconds by the clock of the file system. */
  readonly writtenAt: number;
};

/** The lease file is there and is none that could be read. */
export class LeaseFileError extends Error {
  override readonly name = 'LeaseFileError';
  readonly retryable = true;
}

/** The whole file as it is now. Throws a `LeaseFileError` that says why not. */
export async function readLeaseFile(file: string): Promise<FileContent> {
  try {
    await using handle = await open(file, 'r');
    const { mtimeMs, size } = await handle.stat();
    if (size > mostBytes) throw new LeaseFileError(`it is larger than ${mostBytes / 1024 / 1024} MiB`);
    return { text: await handle.readFile('utf8'), writtenAt: mtimeMs };
  } catch (cause) {
    if (cause instanceof LeaseFileError) throw cause;
    throw new LeaseFileError(reasonOf(cause), { cause });
  }
}

/**
 * Calls `onChange` whenever something happens to the file, which may be written in place or replaced, so its directory is
 * watched. Undefined where that is not possible; then looking from time to time must do.
 */
export function watchLeaseFile(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(file)) onChange();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'this user may not read it';
    case 'EISDIR':
      return 'it is a directory';
    case undefined:
    default:
      return (cause as Error).message;
  }
}
