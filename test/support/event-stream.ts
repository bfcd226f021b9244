/** One event of the feed, with the moment it came in on this side by the monotonic clock. */
export type FeedEvent = {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly receivedAt: number;
};

type Waiting = { readonly wants: (event: FeedEvent) => boolean; readonly resolve: (event: FeedEvent) => void };

/** A consumer of `GET /v1/events` as Server-Sent Events. Keeps everything that came, so that nothing is missed by asking late. */
export class EventStream implements AsyncDisposable {
  readonly events: FeedEvent[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<Waiting>();
  #reading: Promise<void> = Promise.resolve();

  static async open(url: string, token: string, after?: number): Promise<EventStream> {
    const stream = new EventStream();
    const response = await fetch(url, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(after === undefined ? {} : { 'last-event-id': String(after) }),
      },
      signal: stream.#abort.signal,
    });
    if (response.status !== 200 || response.body === null)
      throw new Error(`GET ${url} was answered ${response.status}: ${await response.text()}`);
    stream.#reading = stream.#read(response.body);
    return stream;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    try {
      const decoder = new TextDecoder();
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // The service went away or the test is over; whoever still waits runs into its own time limit.
    }
  }

  #take(block: string): void {
    const lines = block.split('\n');
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
    if (data.length === 0) return;
    const event = { ...(JSON.parse(data.join('\n')) as Omit<FeedEvent, 'receivedAt'>), receivedAt: performance.now() };
    if (typeof event.sequence !== 'number') return;
    this.events.push(event);
    for (const waiting of this.#waiting)
      if (waiting.wants(event)) {
        this.#waiting.delete(waiting);
        waiting.resolve(event);
      }
  }

  /** The first event that fits, among those that came already and those to come. */
  next(type: string, customerId: string, timeoutMs = 5_000): Promise<FeedEvent> {
    const wants = (event: FeedEvent) => event.type === type && event.data['customerId'] === customerId;
    const already = this.events.find(wants);
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        const seen = this.events.map((event) => `${event.type} ${String(event.data['customerId'])}`).join(', ');
        reject(new Error(`no ${type} of "${customerId}" in ${timeoutMs} ms; the feed brought: ${seen || 'nothing'}`));
      }, timeoutMs);
      const waiting: Waiting = {
        wants,
        resolve: (event) => {
          clearTimeout(timer);
          resolve(event);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  /** How many of these came so far. */
  count(type: string, customerId: string): number {
    return this.events.filter((event) => event.type === type && event.data['customerId'] === customerId).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }
}
