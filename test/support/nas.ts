import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyResponseAuthenticator } from '../../src/protocols/radius/authenticator.ts';
import { type AccountingReport, encodeReport } from '../../src/demo/accounting-report.ts';
import { addressAttribute, integerAttribute, textAttribute } from '../../src/protocols/radius/attribute.ts';
import { acctStatusType, attributeType } from '../../src/protocols/radius/dictionary.ts';
import { encodeAccountingRequest } from '../../src/protocols/radius/encode-request.ts';

export type NasOptions = {
  readonly port: number;
  readonly secret: string;
  /** Where it sends from: each of the service's spaces knows its access points by this. */
  readonly address?: string;
  /** What it calls itself: two access points have two. */
  readonly nasAddress?: string;
  readonly repeatEveryMs?: number;
};

export type StationOptions = {
  readonly mac: string;
  readonly userName?: string;
  readonly accessPoint?: string;
  readonly ssid?: string;
  readonly sessionId?: string;
  readonly nasAddress?: string;
};

/** When a report was first sent (epoch milliseconds) and when it was acknowledged (monotonic, as `performance.now`). */
export type Acknowledgement = { readonly sentAt: number; readonly acknowledgedAt: number };

type Outstanding = {
  readonly packet: Buffer;
  readonly resolve: (acknowledgedAt: number) => void;
  readonly timer: NodeJS.Timeout;
};

const IDENTIFIERS = 256;

/** An access point that speaks accounting as RFC 2866 wants it: every request is repeated, unchanged, until it is answered. */
export class Nas implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #options: Required<NasOptions>;
  readonly #secret: Buffer;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #taken = new Set<number>();
  readonly #waitingForIdentifier: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();
  #nextIdentifier = 0;
  #isOver = false;
  #sessions = 0;
  #lastAcknowledgedAt = performance.now();
  acknowledged = 0;
  /** Datagrams that came back and were no right answer to anything outstanding. */
  stray = 0;

  static async open(options: NasOptions): Promise<Nas> {
    const nas = new Nas(options);
    nas.#socket.bind(0, options.address ?? '127.0.0.1');
    await once(nas.#socket, 'listening');
    return nas;
  }

  private constructor(options: NasOptions) {
    this.#options = { address: '127.0.0.1', nasAddress: '192.0.2.10', repeatEveryMs: 250, ...options };
    this.#secret = Buffer.from(options.secret);
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (answer) => this.#receive(answer));
    // A port without a listener is refused by ICMP while the service is down; the repetition is the answer to that.
    this.#socket.on('error', () => undefined);
  }

  session(station: StationOptions): Session {
    this.#sessions += 1;
    const { nasAddress } = this.#options;
    return new Session(this, { sessionId: `${this.#socket.address().port}-${this.#sessions}`, nasAddress, ...station });
  }

  /** Resolves with the acknowledgement, however long that takes; never while nobody answers. */
  send(report: AccountingReport): Promise<Acknowledgement> {
    return this.#request((identifier) => encodeReport(report, identifier, this.#secret));
  }

  /** Accounting-On or -Off (RFC 2866, section 5.1): all sessions of this access point are over. */
  reset(kind: 'accountingOn' | 'accountingOff'): Promise<Acknowledgement> {
    const attributes = [
      integerAttribute(attributeType.acctStatusType, acctStatusType[kind]),
      textAttribute(attributeType.acctSessionId, kind),
      addressAttribute(attributeType.nasIpAddress, this.#options.nasAddress),
    ];
    return this.#request((identifier) => encodeAccountingRequest({ identifier, attributes, secret: this.#secret }));
  }

  async #request(encode: (identifier: number) => Buffer): Promise<Acknowledgement> {
    const identifier = await this.#takeIdentifier();
    const packet = encode(identifier);
    const sentAt = Date.now();
    const { promise, resolve } = Promise.withResolvers<number>();
    const timer = setInterval(() => this.#transmit(packet), this.#options.repeatEveryMs).unref();
    this.#outstanding.set(identifier, { packet, resolve, timer });
    this.#transmit(packet);
    const acknowledgedAt = await promise;
    return { sentAt, acknowledgedAt };
  }

  /** Sends one datagram once and forgets it: for duplicates and for what must not be answered. */
  sendOnce(report: AccountingReport, identifier: number): void {
    this.#transmit(encodeReport(report, identifier, this.#secret));
  }

  /** Resolves once this many requests in all were acknowledged. */
  untilAcknowledged(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.acknowledged < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Time since the last acknowledgement. */
  quietForMs(): number {
    return performance.now() - this.#lastAcknowledgedAt;
  }

  /** Taken at once and not only when the request goes out, so that nobody else gets the same one meanwhile. */
  async #takeIdentifier(): Promise<number> {
    while (this.#taken.size >= IDENTIFIERS)
      await new Promise<void>((resolve) => this.#waitingForIdentifier.push(resolve));
    do this.#nextIdentifier = (this.#nextIdentifier + 1) % IDENTIFIERS;
    while (this.#taken.has(this.#nextIdentifier));
    this.#taken.add(this.#nextIdentifier);
    return this.#nextIdentifier;
  }

  /** Somebody may still be about to report when the story is over. */
  #transmit(packet: Buffer): void {
    if (this.#isOver) return;
    this.#socket.send(packet, this.#options.port, '127.0.0.1', () => undefined);
  }

  #receive(answer: Buffer): void {
    const identifier = answer[1] ?? 0;
    const request = this.#outstanding.get(identifier);
    if (request === undefined || !verifyResponseAuthenticator(answer, request.packet.subarray(4, 20), this.#secret)) {
      this.stray += 1;
      return;
    }
    clearInterval(request.timer);
    this.#outstanding.delete(identifier);
    this.#taken.delete(identifier);
    this.acknowledged += 1;
    this.#lastAcknowledgedAt = performance.now();
    request.resolve(this.#lastAcknowledgedAt);
    this.#waitingForIdentifier.shift()?.();
    for (const look of this.#watchers) look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const { timer } of this.#outstanding.values()) clearInterval(timer);
    this.#outstanding.clear();
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** One accounting session of one station. */
export class Session {
  readonly #nas: Nas;
  readonly #station: StationOptions & { readonly sessionId: string };
  readonly #startedAt = performance.now();
  #octets = 0;

  constructor(nas: Nas, station: StationOptions & { readonly sessionId: string }) {
    this.#nas = nas;
    this.#station = station;
  }

  start(): Promise<Acknowledgement> {
    return this.#nas.send(this.report('start'));
  }

  /** `octets` more than last time; 0 is a report of a device that did nothing. */
  interim(octets: number): Promise<Acknowledgement> {
    this.#octets += octets;
    return this.#nas.send(this.report('interim'));
  }

  stop(): Promise<Acknowledgement> {
    return this.#nas.send(this.report('stop'));
  }

  /** Interims at the pace of an access point, each with so many octets more; resolves with the last. */
  async interims(pace: {
    readonly everyMs: number;
    readonly times: number;
    readonly octets: number;
  }): Promise<Acknowledgement> {
    let last: Acknowledgement | undefined;
    for (let times = 0; times < pace.times; times += 1) {
      await delay(pace.everyMs);
      last = await this.interim(pace.octets);
    }
    if (last === undefined) throw new RangeError('a pace of no interims has no last one');
    return last;
  }

  report(status: 'start' | 'interim' | 'stop'): AccountingReport {
    const durationSeconds = Math.floor((performance.now() - this.#startedAt) / 1_000);
    return { ...this.#station, status, octets: this.#octets, durationSeconds };
  }
}
