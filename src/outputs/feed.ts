import type { EventType, LedgerEvent } from '../checkins/event.ts';
import type { Database } from '../db/database.ts';
import type { Redis } from '../redis/connect.ts';
import type { Logger } from '../runtime/logger.ts';
import { toEventJson, type EventJson } from './event-json.ts';

/** Redis channel on which a node tells the others that the ledger has grown; a lost message costs `lookEveryMs`. */
const channel = 'rollcall:events';
const lookEveryMs = 1_000;
const pageSize = 500;

/** `oldest` is `newest + 1` when none is kept. */
export type FeedRange = { readonly oldest: number; readonly newest: number };

export type FeedListener = (events: readonly EventJson[]) => void;

/**
 * The ledger's events in the order of their gapless sequence. One reader per node follows the table, however many
 * consumers listen; it is woken by this node's own commits at once, by those of other nodes through Redis, and looks by
 * itself every second.
 */
export class EventFeed implements AsyncDisposable {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners = new Set<FeedListener>();
  readonly #timer: NodeJS.Timeout;
  #position: number;
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;

  private constructor(
    db: Database,
    redis: { readonly publisher: Redis; readonly subscriber: Redis },
    logger: Logger,
    position: number,
  ) {
    this.#db = db;
    this.#logger = logger;
    this.#publisher = redis.publisher;
    this.#subscriber = redis.subscriber;
    this.#position = position;
    this.#timer = setInterval(() => this.#wake(), lookEveryMs);
  }

  /** `subscriber` is a connection of the feed's own. */
  static async open(
    db: Database,
    redis: { readonly publisher: Redis; readonly subscriber: Redis },
    logger: Logger,
  ): Promise<EventFeed> {
    const feed = new EventFeed(db, redis, logger, (await rangeOf(db)).newest);
    redis.subscriber.on('message', () => feed.#wake());
    await redis.subscriber.subscribe(channel);
    return feed;
  }

  /** Called after a commit of this node. */
  onRecorded(lastSequence: number): void {
    this.#wake();
    // Best effort: the other nodes look by themselves every second.
    this.#publisher.publish(channel, String(lastSequence)).catch(() => undefined);
  }

  /** Events after a sequence, oldest first, at most `limit`. */
  async read(after: number, limit: number): Promise<EventJson[]> {
    const rows = await this.#db.read
      .selectFrom('events')
      .leftJoin('customers', 'customers.id', 'events.customer_id')
      .select(['events.sequence', 'events.id', 'events.type', 'events.at', 'events.data', 'customers.name'])
      .where('events.sequence', '>', after)
      .orderBy('events.sequence')
      .limit(limit)
      .execute();
    return rows.map(({ sequence, id, type, at, data, name }) => {
      const event = { sequence, id, type: type as EventType, at, data: JSON.parse(data) as unknown };
      return toEventJson(event as LedgerEvent, name);
    });
  }

  /** The sequences of the newest event there ever was, 0 before the first, and of the oldest that is still kept. */
  async range(): Promise<FeedRange> {
    return await rangeOf(this.#db);
  }

  /**
   * Calls `listener` with new events, in order, each sequence once. Answers the sequence after which it begins, and
   * how to stop; what lies before, the caller reads.
   */
  listen(listener: FeedListener): { readonly after: number; readonly stop: () => void } {
    this.#listeners.add(listener);
    return { after: this.#position, stop: () => this.#listeners.delete(listener) };
  }

  #wake(): void {
    if (this.#closed) return;
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#reading = this.#follow()
      .catch((error: unknown) => this.#logger.debug({ err: error }, 'the feed cannot read the ledger; it tries again'))
      .finally(() => {
        this.#reading = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.#wake();
      });
  }

  async #follow(): Promise<void> {
    for (;;) {
      const events = await this.read(this.#position, pageSize);
      const last = events.at(-1);
      if (last === undefined) return;
      this.#position = last.sequence;
      for (const listener of this.#listeners) listener(events);
      if (events.length < pageSize) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#subscriber.disconnect();
    await this.#reading;
  }
}

/** In one statement, so that both are of the same moment. The counter knows of events that are gone. */
async function rangeOf(db: Database): Promise<FeedRange> {
  const { newest, oldest } = await db.read
    .selectFrom('counters')
    .select((eb) => [
      'value as newest',
      eb
        .selectFrom('events')
        .select((event) => event.fn.min('sequence').as('oldest'))
        .as('oldest'),
    ])
    .where('name', '=', 'events')
    .executeTakeFirstOrThrow();
  return { newest, oldest: oldest ?? newest + 1 };
}
