import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { UserError } from '../../runtime/user-error.ts';
import type { Source, SourceStatus } from '../source.ts';
import type { RadiusSourceConfig } from './config.ts';
import { RadiusReceiver, type RadiusPorts } from './receiver.ts';

/** What the kernel keeps while this process is busy; it gives less where net.core.rmem_max is lower. */
const receiveBufferBytes = 8 * 1024 * 1024;
/** How long a stop waits for what is being recorded. */
const drainMs = 4_000;

/** How long a report that came too late is worth a notice. */
const replayNoticeMs = 10 * 60_000;

/** Listens for RADIUS accounting on one UDP address. */
export class RadiusSource implements Source {
  readonly type = 'radius';
  readonly precision = 'bytes';
  readonly #config: RadiusSourceConfig;
  readonly #ports: RadiusPorts;
  readonly #receiver: RadiusReceiver;
  #socket: Socket | undefined;
  #state: SourceStatus['state'] = 'starting';
  #since: number;
  #problem: string | undefined;

  constructor(config: RadiusSourceConfig, ports: RadiusPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#since = ports.clock.now();
    this.#receiver = new RadiusReceiver(config, ports, (answer, port, address) => {
      // Without a callback, a send that fails is silent: the NAS repeats its request and gets the same answer.
      this.#socket?.send(answer, port, address);
    });
  }

  get id(): string {
    return this.#config.id;
  }

  get spaceId(): string {
    return this.#config.space;
  }

  /** Where it listens; the port is the system's choice when the configuration says 0. */
  get address(): { readonly address: string; readonly port: number } | undefined {
    return this.#socket?.address();
  }

  async start(): Promise<void> {
    const { host, port } = this.#config.listen;
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      // Every address is numeric. The default would put each answer off to the next tick to look it up.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    try {
      // Listened for first: with nothing to look up, binding is over before it returns.
      const listening = once(socket, 'listening');
      socket.bind(port, host);
      await listening;
    } catch (cause) {
      socket.close();
      const problem = explain(cause, port);
      this.#become('down', problem);
      throw new UserError(`source "${this.id}" cannot listen on UDP ${host}, port ${port}: ${problem}`, { cause });
    }
    enlargeReceiveBuffer(socket);
    socket.on('message', (datagram, { address, port }) => this.#receive(datagram, address, port));
    socket.on('error', (error) => this.#become('down', `the socket failed: ${error.message}`));
    this.#socket = socket;
    this.#become('up', undefined);
  }

  status(): SourceStatus {
    const { observations, lastObservationAt } = this.#receiver;
    const problem = this.#problem ?? this.#trouble();
    return {
      state: this.#state,
      since: this.#since,
      observations,
      ...(lastObservationAt === undefined ? {} : { lastObservationAt }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** What goes wrong although the socket works. */
  #trouble(): string | undefined {
    const { failing, lastReplay } = this.#receiver;
    if (failing) return 'requests are left unanswered because they cannot be recorded';
    if (lastReplay === undefined || this.#ports.clock.now() - lastReplay.at > replayNoticeMs) return undefined;
    // A replay and a NAS whose clock stands at its firmware's date look the same; the second is by far the likelier.
    return `reports from ${lastReplay.senderAddress} are dated more than 24 hours back and move nobody: check its clock (NTP)`;
  }

  /** Takes nothing in any more, answers what is under way as soon as it is recorded, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.removeAllListeners('message');
    await this.#drained();
    this.#socket = undefined;
    this.#become('down', undefined);
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  }

  #receive(datagram: Buffer, address: string, port: number): void {
    if (this.#state === 'down') this.#become('up', undefined);
    this.#receiver.receive(datagram, address, port);
  }

  #become(state: SourceStatus['state'], problem: string | undefined): void {
    if (state !== this.#state) this.#since = this.#ports.clock.now();
    this.#state = state;
    this.#problem = problem;
  }

  async #drained(): Promise<void> {
    if (this.#receiver.inFlight === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, drainMs);
    this.#receiver.onIdle = resolve;
    await promise;
    clearTimeout(deadline);
  }
}

function enlargeReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // Some containers forbid it. The default size serves all but a burst of thousands.
  }
}

function explain(cause: unknown, port: number): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return 'another process listens there already; stop it, or change "listen"';
    case 'EACCES':
      return `this user may not use ports below 1024; choose a higher one than ${port} in "listen"`;
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; correct "listen"';
    case undefined:
    default:
      return (cause as Error).message;
  }
}
