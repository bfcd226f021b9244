import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, type Random } from '../../src/demo/random.ts';

type Link = {
  readonly client: Socket;
  readonly server: Socket;
  /** The next thing the server says is kept from the client, and the connection ends. */
  cutAtAnswer: boolean;
  /** Octets that still go to the server before the connection ends. */
  bytesLeft: number;
};

export type TcpProxyOptions = {
  readonly to: number;
  readonly seed: number;
  /** Each piece of data takes its own time up to this, in order. */
  readonly latencyMs?: number;
};

/** A line between the service and a server that is slow, breaks, or swallows what is sent, by a seed. */
export class TcpProxy implements AsyncDisposable {
  readonly #options: TcpProxyOptions;
  readonly #random: Random;
  readonly #listener = createServer((client) => void this.#accept(client));
  readonly #links = new Set<Link>();
  #passable = Promise.resolve();
  #open = (): void => undefined;
  #bytesPerLink = Infinity;
  #cutting: { readonly pattern: Buffer; readonly share: number } | undefined;
  /** How often a connection was cut after its pattern, or its share of octets, had gone through. */
  cuts = 0;

  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  private constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections stay and are accepted, and nothing arrives any more on either side: a cable is out somewhere. */
  blackhole(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#passable = promise;
    this.#open = resolve;
  }

  /** What was held up arrives now, as TCP would send it again. */
  heal(): void {
    this.#open();
    this.#passable = Promise.resolve();
    this.#cutting = undefined;
    this.#bytesPerLink = Infinity;
    for (const link of this.#links) link.bytesLeft = Infinity;
  }

  /** Every connection ends at once with a reset. */
  reset(): void {
    for (const link of this.#links) this.#cut(link);
  }

  /**
   * From now on the server gets a message with this text, does what it says, and the client never hears of it. `share`: of how many
   * such messages, from 0 to 1.
   */
  cutAfter(text: string, share = 1): void {
    this.#cutting = { pattern: Buffer.from(text), share };
  }

  /** From now on a connection ends in the middle of what is sent to the server, after so many octets more. */
  cutAfterBytes(count: number): void {
    this.#bytesPerLink = count;
    for (const link of this.#links) link.bytesLeft = count;
  }

  async #accept(client: Socket): Promise<void> {
    const server = connect(this.#options.to, '127.0.0.1');
    const link: Link = { client, server, cutAtAnswer: false, bytesLeft: this.#bytesPerLink };
    this.#links.add(link);
    await Promise.all([this.#pump(link, client, server), this.#pump(link, server, client)]);
    this.#links.delete(link);
  }

  async #pump(link: Link, from: Socket, to: Socket): Promise<void> {
    // Whatever breaks one side ends both; the loop below sees it as the end.
    from.on('error', () => undefined);
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#passable;
        if (this.#options.latencyMs !== undefined) await delay(this.#random() * this.#options.latencyMs);
        const isForServer = from === link.client;
        if (isForServer) this.#look(link, chunk);
        if (isForServer ? chunk.length > link.bytesLeft : link.cutAtAnswer) {
          this.cuts += 1;
          // The server has the part before the cut, and whatever that makes it do.
          if (isForServer) to.write(chunk.subarray(0, link.bytesLeft), () => this.#cut(link));
          else this.#cut(link);
          return;
        }
        if (isForServer) link.bytesLeft -= chunk.length;
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
    } catch {
      // Reset by one side or by us.
    }
    to.end();
  }

  #look(link: Link, chunk: Buffer): void {
    if (this.#cutting === undefined || !chunk.includes(this.#cutting.pattern)) return;
    if (this.#random() < this.#cutting.share) link.cutAtAnswer = true;
  }

  #cut({ client, server }: Link): void {
    client.resetAndDestroy();
    server.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    this.reset();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
