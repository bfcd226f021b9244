import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRandom, type Random } from '../../src/demo/random.ts';

/** What a bad network does to each datagram, on the way there and on the way back alike. Shares are from 0 to 1. */
export type UdpFaults = {
  readonly drop?: number;
  readonly duplicate?: number;
  /** Each datagram, and each copy of one, takes its own time up to this; that also reorders them. */
  readonly delayMs?: number;
};

export type UdpProxyOptions = {
  readonly to: number;
  readonly seed: number;
  readonly faults?: UdpFaults;
};

/**
 * A network between access points and the service that loses, repeats, delays and reorders, by a seed. Each sender keeps its own
 * address on the far side, since the service knows access points by that.
 */
export class UdpProxy implements AsyncDisposable {
  readonly #to: number;
  readonly #random: Random;
  readonly #front = createSocket('udp4');
  readonly #senders = new Map<string, Promise<Socket>>();
  readonly #underway = new Set<NodeJS.Timeout>();
  #faults: UdpFaults;
  /** So that a story can say that the network was as bad as it is meant to be. */
  readonly counts = { passed: 0, dropped: 0, duplicated: 0 };

  static async open(options: UdpProxyOptions): Promise<UdpProxy> {
    const proxy = new UdpProxy(options);
    proxy.#front.bind(0, '127.0.0.1');
    await once(proxy.#front, 'listening');
    return proxy;
  }

  private constructor({ to, seed, faults = {} }: UdpProxyOptions) {
    this.#to = to;
    this.#random = createRandom(seed);
    this.#faults = faults;
    this.#front.on('message', (datagram, { address, port }) => void this.#forward(datagram, address, port));
    this.#front.on('error', ignore);
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** What is under way already meets the faults of before. */
  become(faults: UdpFaults): void {
    this.#faults = faults;
  }

  async #forward(datagram: Buffer, address: string, port: number): Promise<void> {
    const name = `${address}:${port}`;
    const known = this.#senders.get(name) ?? this.#openSender(address, port);
    this.#senders.set(name, known);
    const back = await known;
    this.#pass(() => back.send(datagram, this.#to, '127.0.0.1', ignore));
  }

  async #openSender(address: string, port: number): Promise<Socket> {
    const back = createSocket('udp4');
    back.on('message', (answer) => this.#pass(() => this.#front.send(answer, port, address, ignore)));
    back.on('error', ignore);
    back.bind(0, address);
    await once(back, 'listening');
    return back;
  }

  #pass(send: () => void): void {
    const { drop = 0, duplicate = 0, delayMs = 0 } = this.#faults;
    if (this.#random() < drop) {
      this.counts.dropped += 1;
      return;
    }
    this.counts.passed += 1;
    this.#later(this.#random() * delayMs, send);
    if (this.#random() >= duplicate) return;
    this.counts.duplicated += 1;
    this.#later(this.#random() * delayMs, send);
  }

  #later(ms: number, send: () => void): void {
    const timer = setTimeout(() => {
      this.#underway.delete(timer);
      send();
    }, ms);
    this.#underway.add(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#underway) clearTimeout(timer);
    for (const sender of this.#senders.values()) (await sender).close();
    this.#front.close();
    await once(this.#front, 'close');
  }
}

function ignore(): void {
  // A service that is down refuses datagrams by ICMP; to a sender of UDP that is one more loss.
}
