import type { ServerResponse } from 'node:http';
import type { EventJson } from '../outputs/event-json.ts';
import type { EventFeed } from '../outputs/feed.ts';
import type { Logger } from '../runtime/logger.ts';

/** What streams need of the feed. */
export type StreamFeed = Pick<EventFeed, 'read' | 'range' | 'listen'>;

export type StreamRequest = {
  /** The sequence after which the stream begins. */
  readonly after: number;
  /** Whether this consumer may see the event. */
  readonly includes: (event: EventJson) => boolean;
  /** Asked at each keep-alive: a stream must not outlive the token that opened it. */
  readonly stillAllowed: () => Promise<boolean>;
};

export type StreamLimits = {
  readonly maxStreams: number;
  readonly keepAliveMs: number;
  /** A consumer that has more than this waiting for it is closed; it resumes by its cursor. */
  readonly maxBufferedBytes: number;
  /** How many events are read at once while a consumer catches up. */
  readonly batch: number;
};

export const streamLimits: StreamLimits = {
  maxStreams: 1000,
  keepAliveMs: 15_000,
  maxBufferedBytes: 1024 * 1024,
  batch: 200,
};

/** Event streams (WHATWG HTML, server-sent events), all of them fed by the one reader of this node. */
export class EventStreams {
  readonly #feed: StreamFeed;
  readonly #log: Logger;
  readonly #limits: StreamLimits;
  readonly #streams = new Set<EventStream>();
  readonly #timer: NodeJS.Timeout;

  constructor(feed: StreamFeed, log: Logger, limits: StreamLimits = streamLimits) {
    this.#feed = feed;
    this.#log = log;
    this.#limits = limits;
    this.#timer = setInterval(() => {
      for (const stream of this.#streams) void stream.keepAlive();
    }, limits.keepAliveMs);
    this.#timer.unref();
  }

  get isFull(): boolean {
    return this.#streams.size >= this.#limits.maxStreams;
  }

  /** Takes over the response, whose head is written. */
  open(response: ServerResponse, request: StreamRequest): void {
    if (response.destroyed) return;
    const stream = new EventStream(this.#feed, response, request, this.#limits);
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
    stream.follow().catch((error: unknown) => {
      // The consumer comes back by itself and resumes.
      this.#log.warn({ err: error }, 'an event stream ended because the ledger could not be read');
      stream.end();
    });
  }

  closeAll(): void {
    clearInterval(this.#timer);
    for (const stream of this.#streams) stream.end();
  }
}

/**
 * One consumer. It has a cursor, and sequences have no gaps: a live event that continues the cursor is sent as it
 * comes; any other makes the stream read the ledger until it has caught up. So there is no hand-over between history
 * and now in which an event could be lost or sent twice, and nothing to queue.
 */
class EventStream {
  readonly #feed: StreamFeed;
  readonly #response: ServerResponse;
  readonly #request: StreamRequest;
  readonly #limits: StreamLimits;
  readonly #stopListening: () => void;
  #after: number;
  /** The cursor that the consumer knows of. */
  #announced: number;
  #ended = false;
  /** Set while there was nothing left to read; resolving it makes the stream read again. */
  #idle: PromiseWithResolvers<void> | undefined;
  /** Whether live events passed by that were not sent. */
  #behind = false;

  constructor(feed: StreamFeed, response: ServerResponse, request: StreamRequest, limits: StreamLimits) {
    this.#feed = feed;
    this.#response = response;
    this.#request = request;
    this.#limits = limits;
    this.#after = request.after;
    this.#announced = request.after;
    this.#stopListening = feed.listen((events) => this.#onLive(events)).stop;
    response.once('close', () => this.end());
    // The first id makes a consumer that reconnects before its first event resume from here.
    response.write(`retry: 2000\nid: ${this.#after}\n\n`);
  }

  async follow(): Promise<void> {
    while (!this.#ended) {
      this.#behind = false;
      const events = await this.#feed.read(this.#after, this.#limits.batch);
      // What the consumer has not read yet was deleted meanwhile: it comes back and is told so.
      if (events[0] !== undefined && events[0].sequence !== this.#after + 1) {
        this.end();
        return;
      }
      this.#send(events);
      if (events.length === this.#limits.batch) await this.#drained();
      else if (!this.#behind) await this.#untilBehind();
    }
  }

  #onLive(events: readonly EventJson[]): void {
    const fresh = events.filter(({ sequence }) => sequence > this.#after);
    const [first] = fresh;
    if (first === undefined) return;
    if (this.#idle !== undefined && first.sequence === this.#after + 1) {
      this.#send(fresh);
      return;
    }
    this.#behind = true;
    this.#idle?.resolve();
  }

  async #untilBehind(): Promise<void> {
    if (this.#ended) return;
    this.#idle = Promise.withResolvers();
    await this.#idle.promise;
    this.#idle = undefined;
  }

  #send(events: readonly EventJson[]): void {
    if (this.#ended) return;
    const visible = events.filter(this.#request.includes);
    if (visible.length > 0) this.#response.write(visible.map(toBlock).join(''));
    this.#after = events.at(-1)?.sequence ?? this.#after;
    this.#announced = visible.at(-1)?.sequence ?? this.#announced;
    if (this.#response.writableLength > this.#limits.maxBufferedBytes) this.#response.destroy();
  }

  /** History is sent as fast as the consumer takes it, and not for ever to one who takes nothing. */
  async #drained(): Promise<void> {
    if (this.#ended || !this.#response.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#response.destroy(), 2 * this.#limits.keepAliveMs);
    this.#response.once('drain', resolve).once('close', resolve);
    await promise;
    clearTimeout(timer);
    this.#response.off('drain', resolve).off('close', resolve);
  }

  async keepAlive(): Promise<void> {
    // A database that does not answer is no reason to send everyone away.
    const allowed = await this.#request.stillAllowed().catch(() => true);
    if (this.#ended) return;
    if (!allowed) {
      this.end();
      return;
    }
    // An id without data moves the consumer's cursor past events that it may not see, and dispatches nothing.
    const id = this.#announced === this.#after ? '' : `id: ${this.#after}\n`;
    this.#response.write(`: keep-alive\n${id}\n`);
    this.#announced = this.#after;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening();
    this.#idle?.resolve();
    this.#response.end();
  }
}

/** A live event is rendered once, however many consumers it goes to. */
const blocks = new WeakMap<EventJson, string>();

function toBlock(event: EventJson): string {
  const known = blocks.get(event);
  if (known !== undefined) return known;
  const block = `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  blocks.set(event, block);
  return block;
}
