import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** A socket that sends raw datagrams and hands over what comes back, one by one. */
export class UdpPeer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #host: string;
  readonly #arrived: Buffer[] = [];
  #waiting: ((datagram: Buffer) => void) | undefined;

  static async open(options: {
    readonly port: number;
    readonly from?: string;
    readonly to?: string;
  }): Promise<UdpPeer> {
    const peer = new UdpPeer(options.port, options.to ?? '127.0.0.1');
    peer.#socket.bind(0, options.from ?? peer.#host);
    await once(peer.#socket, 'listening');
    return peer;
  }

  private constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#socket.on('message', (datagram) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#arrived.push(datagram);
      else waiting(datagram);
    });
  }

  send(datagram: Buffer): void {
    this.#socket.send(datagram, this.#port, this.#host);
  }

  /** The next datagram that comes, or came. */
  async next(): Promise<Buffer> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return arrived;
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    this.#waiting = resolve;
    return promise;
  }

  /** What came and nobody asked for yet. */
  get unread(): number {
    return this.#arrived.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
