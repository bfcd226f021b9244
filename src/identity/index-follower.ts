import type { Database } from '../db/database.ts';
import { withDeadline } from '../runtime/deadline.ts';
import type { Clock } from '../runtime/clock.ts';
import { Loop } from '../runtime/loop.ts';
import type { AddressVault } from './address-vault.ts';
import type { DirectoryIndex } from './directory-index.ts';
import {
  concernsTables,
  lastChange,
  loadTables,
  readChanges,
  readRegistrations,
  readUpdate,
  type Change,
  type OptInPolicy,
  type Registration,
} from './directory-source.ts';

const everyMs = 250;
const changesPerRound = 1_000;
/** How long a write waits for the index; should following fail just then, it goes on by itself. */
const patienceMs = 1_000;

export type FollowerOptions = OptInPolicy & {
  readonly db: Database;
  readonly vault: AddressVault;
  readonly clock: Clock;
  readonly index: DirectoryIndex;
  /** Any random number; keeps texts from being chosen so that they collide. */
  readonly seed: number;
  /** Devices that can be found from now on. Not called for those found at start, nor after everything was loaded again. */
  readonly onRegistered: (registrations: readonly Registration[]) => void;
  /** Changes that the index knows now; `all` when it was loaded again and anything may have changed. */
  readonly onChanges: (changes: readonly Change[] | 'all') => void;
  /** Told when following fails, with how often in a row. The index stays as it was, and keeps answering. */
  readonly onError: (error: unknown, failures: number) => void;
};

/**
 * Keeps the index in step with the registry: at once with what this process writes, within 250 ms with what others
 * write. It follows `changes` by their gapless numbers, and loads everything again when some are missing.
 */
export class IndexFollower implements AsyncDisposable {
  readonly #options: FollowerOptions;
  readonly #loop: Loop;
  readonly #forget: () => void;
  #position: number;
  #waiting: (() => void)[] = [];

  private constructor(options: FollowerOptions, position: number) {
    this.#options = options;
    this.#position = position;
    this.#loop = new Loop({
      run: () => this.#round(),
      everyMs,
      backoff: { firstMs: everyMs, mostMs: 5_000 },
      onError: options.onError,
    });
    this.#forget = options.db.registryChanged.on(() => withDeadline(patienceMs, this.settled()));
  }

  /** Fills the index, and then keeps following. */
  static async start(options: FollowerOptions): Promise<IndexFollower> {
    const position = await lastChange(options.db);
    options.index.replace(await loadTables(options.db, options.seed, options));
    return new IndexFollower(options, position);
  }

  /** The last change that the index knows. */
  get position(): number {
    return this.#position;
  }

  /** Resolves when the index knows everything that was committed before the call. */
  async settled(): Promise<void> {
    const wanted = await lastChange(this.#options.db);
    while (this.#position < wanted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      this.#loop.wake();
      await promise;
    }
  }

  async [Symbol.asyncDispose]() {
    this.#forget();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #round() {
    const { db } = this.#options;
    const last = await lastChange(db);
    if (last < this.#position) await this.#reload();
    while (this.#position < last) {
      const changes = await readChanges(db, this.#position, changesPerRound);
      if (changes[0]?.sequence === this.#position + 1) await this.#apply(changes);
      else await this.#reload();
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #apply(changes: readonly Change[]) {
    const { db, vault, index, onRegistered, onChanges } = this.#options;
    if (changes.some(({ kind }) => kind === 'everything')) {
      await this.#reload();
      return;
    }
    if (changes.some(concernsTables)) index.update(await readUpdate(db, changes, this.#options));
    const registrations = await readRegistrations(db, vault, changes);
    this.#position = (changes.at(-1) as Change).sequence;
    onChanges(changes);
    if (registrations.length > 0) onRegistered(registrations);
  }

  /** Changes were trimmed, or made unreadable, before they were read, or the ledger was restored: nothing that is known can be relied on. */
  async #reload() {
    const { db, index, seed, onChanges } = this.#options;
    const position = await lastChange(db);
    index.replace(await loadTables(db, seed, this.#options));
    this.#position = position;
    onChanges('all');
  }
}
