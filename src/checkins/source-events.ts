import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventDraft } from './event.ts';
import { inLedgerTransaction, writeChanges } from './ledger-transaction.ts';

/** What of a source's state is told. Instants are epoch milliseconds. */
export type WatchedSource = {
  readonly id: string;
  readonly spaceId: string;
  readonly state: 'up' | 'down' | 'starting';
  readonly since: number;
  readonly problem?: string | undefined;
};

/** Tells the ledger when a whole source goes down, and when it is up again. */
export class SourceEvents {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
  readonly #down = new Map<string, number>();

  constructor(db: Database, clock: Clock, onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void) {
    this.#db = db;
    this.#clock = clock;
    this.#onRecorded = onRecorded;
  }

  /** Compares with what was told before; what could not be told is told the next time. */
  async look(sources: readonly WatchedSource[]): Promise<void> {
    const changed = sources.filter(
      ({ id, state }) => (state === 'down') !== this.#down.has(id) && state !== 'starting',
    );
    if (changed.length === 0) return;
    const at = this.#clock.now();
    const events = changed.map(({ id, spaceId, state, since, problem }): EventDraft => {
      const isDown = state === 'down';
      const data = { sourceId: id, spaceId, nas: null, since: isDown ? since : (this.#down.get(id) ?? since) };
      return { type: isDown ? 'source.down' : 'source.up', at, data: { ...data, problem: problem ?? null } };
    });
    const lastSequence = await inLedgerTransaction(
      this.#db,
      async (trx) => await writeChanges(trx, this.#db.kind, { visits: [], checkIns: [], events }, at),
    );
    for (const { id, state, since } of changed) {
      if (state === 'down') this.#down.set(id, since);
      else this.#down.delete(id);
    }
    if (lastSequence !== undefined) this.#onRecorded(lastSequence, events);
  }
}
