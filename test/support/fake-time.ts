import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
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
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Neither times of files nor a piece of shared memory per process, which a killed one leaves behind.
      NO_FAKE_STAT: '1',
      FAKETIME_DISABLE_SHM: '1',
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
    await this.#dir[Symbol.asyncDispose]();
  }
}

/** Debian puts it beside the libraries of the machine's architecture. */
function library(): string {
  const file = readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error('libfaketime is not installed: apt-get install faketime');
  return file;
}
