import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../runtime/user-error.ts';

/** `HASH AT`: a keyed hash of the customer's id, and when the erasure was asked for, epoch milliseconds. */
const line = /^([\w-]{43}) (\d{1,16})$/u;

/**
 * Who was erased and when, without saying who, in a file outside the database: a copy of the database from before brings everybody
 * back, and this is how they are known. Each line is on the disk before it counts.
 */
export class Tombstones {
  readonly #file: string;
  readonly #erasedAt: Map<string, number>;

  private constructor(file: string, erasedAt: Map<string, number>) {
    this.#file = file;
    this.#erasedAt = erasedAt;
  }

  /** A file that is not there yet is made with the first erasure. */
  static open(file: string): Tombstones {
    const erasedAt = new Map<string, number>();
    for (const [hash, at] of readLines(file)) erasedAt.set(hash, Math.max(at, erasedAt.get(hash) ?? 0));
    return new Tombstones(file, erasedAt);
  }

  /** By hash, the latest erasure. */
  get all(): ReadonlyMap<string, number> {
    return this.#erasedAt;
  }

  /** What is known already is not written again. */
  add(entries: Iterable<readonly [hash: string, erasedAt: number]>): void {
    const fresh = [...entries].filter(([hash, at]) => (this.#erasedAt.get(hash) ?? -1) < at);
    if (fresh.length === 0) return;
    const isNew = !existsSync(this.#file);
    const file = openSync(this.#file, 'a', 0o600);
    try {
      // A line that was cut off by a crash must not swallow this one.
      writeSync(file, `\n${fresh.map(([hash, at]) => `${hash} ${at}`).join('\n')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (isNew) syncDirectory(dirname(this.#file));
    for (const [hash, at] of fresh) this.#erasedAt.set(hash, at);
  }
}

function readLines(file: string): readonly (readonly [string, number])[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const { message } = error as Error;
    throw new UserError(`cannot read who was erased from "${file}" (${message}); make it readable for this user`, {
      cause: error,
    });
  }
  return text.split('\n').flatMap((each) => {
    const [, hash, at] = line.exec(each) ?? [];
    return hash === undefined ? [] : [[hash, Number(at)] as const];
  });
}

/** The name of a new file is in its directory, which is synced by itself (fsync(2)). */
function syncDirectory(directory: string): void {
  const opened = openSync(directory, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
