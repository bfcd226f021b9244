import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { verifyResponseAuthenticator } from '../protocols/radius/authenticator.ts';
import { type AccountingReport, encodeReport } from './accounting-report.ts';

type Outstanding = { readonly packet: Buffer; readonly timer: NodeJS.Timeout };

const IDENTIFIERS = 256;
const REPEAT_EVERY_MS = 1_000;

/**
 * The venue's wireless network as the service sees it: UDP packets, each repeated until it is acknowledged. When all
 * identifiers are taken, the oldest request gives way, as it does in an access point.
 */
export class Radio implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #secret: Buffer;
  readonly #outstanding = new Map<number, Outstanding>();
  #nextIdentifier = 0;
  acknowledged = 0;

  static async open(port: number, secret: string): Promise<Radio> {
    const radio = new Radio(port, secret);
    radio.#socket.bind(0, '127.0.0.1');
    await once(radio.#socket, 'listening');
    return radio;
  }

  private constructor(port: number, secret: string) {
    this.#port = port;
    this.#secret = Buffer.from(secret);
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (answer) => this.#receive(answer));
    // Refused while nobody listens: the repetition takes care of it.
    this.#socket.on('error', () => undefined);
  }

  send(report: AccountingReport): void {
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier = (identifier + 1) % IDENTIFIERS;
    this.#forget(identifier);
    const packet = encodeReport(report, identifier, this.#secret);
    const timer = setInterval(() => this.#transmit(packet), REPEAT_EVERY_MS);
    this.#outstanding.set(identifier, { packet, timer });
    this.#transmit(packet);
  }

  #transmit(packet: Buffer): void {
    this.#socket.send(packet, this.#port, '127.0.0.1', () => undefined);
  }

  #receive(answer: Buffer): void {
    const identifier = answer[1] ?? 0;
    const request = this.#outstanding.get(identifier);
    if (request === undefined) return;
    if (!verifyResponseAuthenticator(answer, request.packet.subarray(4, 20), this.#secret)) return;
    this.#forget(identifier);
    this.acknowledged += 1;
  }

  #forget(identifier: number): void {
    clearInterval(this.#outstanding.get(identifier)?.timer);
    this.#outstanding.delete(identifier);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const identifier of this.#outstanding.keys()) this.#forget(identifier);
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
