import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TempDir } from './temp-dir.ts';

/**
 * A wall clock that can be set while processes run by it: libfaketime reads the distance to the real time from a file at
 * every look. The monotonic clock goes on undisturbed, as it does on a real machine.
 */
export class FakeTime implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly #file = this.#dir.file('distance');
  #distanceMs = 0;

  constructor() {
    this.#write();
  }

  /** For every process that is to live by this clock; their children inherit it. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: libraries(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // The times of files stay those of the machine.
      NO_FAKE_STAT: '1',
    };
  }

  /** Epoch milliseconds, as the processes see it. */
  now(): number {
    return Date.now() + this.#distanceMs;
  }

  /** How far this clock is ahead of the real one, milliseconds. */
  get distanceMs(): number {
    return this.#distanceMs;
  }

  stepBy(ms: number): void {
    this.#distanceMs += ms;
    this.#write();
  }

  /** In one piece, since it is read at any moment. */
  #write(): void {
    const seconds = this.#distanceMs / 1_000;
    writeFileSync(`${this.#file}.next`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.#file}.next`, this.#file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    removeLeftovers();
    await this.#dir[Symbol.asyncDispose]();
  }
}

/**
 * Every process under libfaketime has a piece of shared memory and a semaphore, named after its id. One that was killed leaves
 * them behind, and libfaketime refuses to start the next process that gets this id.
 */
function removeLeftovers(): void {
  const shared = '/dev/shm';
  for (const name of readdirSync(shared)) {
    const [, pid] = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(shared, name), { force: true });
  }
}

/**
 * Debian puts it beside the libraries of the machine's architecture. redis-server allocates by jemalloc, which asks for the time
 * while it is set up and then waits for ever for libfaketime, which allocates to be set up (0.9.10 with jemalloc 5.3). glibc's own
 * allocation before both, which libc_malloc_debug passes on to when nothing is to be debugged, ends that.
 */
function libraries(): string {
  const files = ['libc_malloc_debug.so.0', 'faketime/libfaketimeMT.so.1'];
  const found = readdirSync('/usr/lib')
    .map((name) => files.map((file) => join('/usr/lib', name, file)))
    .find((paths) => paths.every((path) => existsSync(path)));
  if (found === undefined) throw new Error('libfaketime is not installed: apt-get install faketime');
  return found.join(':');
}
