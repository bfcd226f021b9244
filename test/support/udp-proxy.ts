import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRandom, type Random } from '../../src/demo/random.ts';

/** What a bad network does to each datagram, on the way there and on the way back alike. Shares are from 0 to 1. */
export type UdpFaults = {
  readonly drop?: number;
  readonly duplicate?: number;
  /** How often one that is duplicated comes in all, at most. */
  readonly copies?: number;
  /** Of these, a part of the end is missing. */
  readonly truncate?: number;
  /** Each datagram, and each copy of one, takes its own time up to this; that also reorders them. */
  readonly delayMs?: number;
};

export type UdpProxyOptions = {
  readonly to: number;
  readonly seed: number;
  readonly faults?: UdpFaults;
};

/** Beyond this, a network drops: datagrams under way at one time. */
const mostUnderway = 10_000;

/**
 * A network between access points and the service that loses, repeats, delays and reorders, by a seed. Each sender keeps its own
 * address on the far side, since the service knows access points by that.
 */
export class UdpProxy implements AsyncDisposable {
  readonly #to: number;
  /** One sequence for each way, so that what happens to the nth datagram of one does not depend on the other. */
  readonly #there: Random;
  readonly #back: Random;
  readonly #front = createSocket('udp4');
  readonly #senders = new Map<string, Promise<Socket>>();
  readonly #underway = new Set<NodeJS.Timeout>();
  #faults: UdpFaults;
  /** So that a story can say that the network was as bad as it is meant to be. */
  readonly counts = { passed: 0, dropped: 0, duplicated: 0, truncated: 0 };

  static async open(options: UdpProxyOptions): Promise<UdpProxy> {
    const proxy = new UdpProxy(options);
    proxy.#front.bind(0, '127.0.0.1');
    await once(proxy.#front, 'listening');
    return proxy;
  }

  private constructor({ to, seed, faults = {} }: UdpProxyOptions) {
    this.#to = to;
    this.#there = createRandom(seed);
    this.#back = createRandom(seed + 1);
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
    this.#pass(datagram, this.#there, (bytes) => back.send(bytes, this.#to, '127.0.0.1', ignore));
  }

  async #openSender(address: string, port: number): Promise<Socket> {
    const back = createSocket('udp4');
    back.on('message', (answer) =>
      this.#pass(answer, this.#back, (bytes) => this.#front.send(bytes, port, address, ignore)),
    );
    back.on('error', ignore);
    back.bind(0, address);
    await once(back, 'listening');
    return back;
  }

  #pass(datagram: Buffer, random: Random, send: (bytes: Buffer) => void): void {
    const { drop = 0, duplicate = 0, copies = 2, truncate = 0, delayMs = 0 } = this.#faults;
    if (random() < drop || this.#underway.size >= mostUnderway) {
      this.counts.dropped += 1;
      return;
    }
    this.counts.passed += 1;
    let bytes = datagram;
    if (random() < truncate) {
      this.counts.truncated += 1;
      bytes = datagram.subarray(0, Math.floor(random() * datagram.length));
    }
    const times = random() < duplicate ? 2 + Math.floor(random() * (copies - 1)) : 1;
    this.counts.duplicated += times - 1;
    for (let n = 0; n < times; n += 1) this.#later(random() * delayMs, () => send(bytes));
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
