import { randomBytes } from 'node:crypto';
import type { NasReset } from '../../../src/observation/nas-reset.ts';
import type { Observation, RecordResult } from '../../../src/observation/observation.ts';
import {
  integerAttribute,
  octetsAttribute,
  textAttribute,
  type Attribute,
} from '../../../src/protocols/radius/attribute.ts';
import { attributeType } from '../../../src/protocols/radius/dictionary.ts';
import { encodeAccountingRequest, encodeStatusServer } from '../../../src/protocols/radius/encode-request.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import type { RadiusClientConfig } from '../../../src/sources/radius/config.ts';
import type { RadiusPorts } from '../../../src/sources/radius/receiver.ts';
import { RadiusSource } from '../../../src/sources/radius/source.ts';
import { UdpPeer } from '../../support/udp-peer.ts';

export const secretText = 'sixteen-or-more-characters';
export const secret = Buffer.from(secretText);

export function client(address: string, more: Partial<RadiusClientConfig> = {}): RadiusClientConfig {
  return { address, secret: { reveal: () => secretText }, ...more };
}

/** A listening source whose surroundings a test can see and steer. */
export class RadiusWorld implements AsyncDisposable {
  readonly observations: Observation[] = [];
  readonly resets: NasReset[] = [];
  readonly lines: { readonly reason?: string; readonly count?: number }[] = [];
  /** `result` per client, as `client result`. */
  readonly counts = new Map<string, number>();
  /** What the sink says at once; `later` keeps the callbacks in `pending`. */
  outcome: RecordResult | 'later' = 'recorded';
  readonly pending: ((result: RecordResult) => void)[] = [];
  now = Date.parse('2026-11-24T09:00:05Z');
  readonly source: RadiusSource;
  readonly #peers: UdpPeer[] = [];

  static async open(
    clients: readonly RadiusClientConfig[] = [client('127.0.0.0/8')],
    host = '127.0.0.1',
  ): Promise<RadiusWorld> {
    const world = new RadiusWorld(clients, host);
    await world.source.start();
    return world;
  }

  private constructor(clients: readonly RadiusClientConfig[], host: string) {
    this.source = new RadiusSource({ id: 'aps', space: 'hq', listen: { host, port: 0 }, clients }, this.ports());
  }

  ports(): RadiusPorts {
    const settle = (done: (result: RecordResult) => void): void => {
      if (this.outcome === 'later') this.pending.push(done);
      else done(this.outcome);
    };
    return {
      clock: { now: () => this.now, monotonic: () => this.now },
      lateWindow: 86_400_000,
      logger: createLogger({
        level: 'warn',
        destination: { write: (line: string) => void this.lines.push(JSON.parse(line) as { reason?: string }) },
      }),
      sink: {
        observe: (observation, done) => {
          this.observations.push(observation);
          settle(done);
        },
      },
      nas: {
        reset: (reset, done) => {
          this.resets.push(reset);
          settle(done);
        },
      },
      count: (label, result) => this.counts.set(`${label} ${result}`, (this.counts.get(`${label} ${result}`) ?? 0) + 1),
    };
  }

  async peer(options: { readonly from?: string; readonly to?: string } = {}): Promise<UdpPeer> {
    const peer = await UdpPeer.open({ port: this.source.address!.port, ...options });
    this.#peers.push(peer);
    return peer;
  }

  /**
   * Resolves once everything that the peer sent before has been dealt with: datagrams of one socket arrive in order, and
   * this one is answered. What came back before its answer stays unread.
   */
  async caughtUp(peer: UdpPeer, key: Buffer = secret): Promise<Buffer[]> {
    const authenticator = randomBytes(16);
    peer.send(encodeStatusServer({ identifier: 255, authenticator, secret: key }));
    const before: Buffer[] = [];
    for (let datagram = await peer.next(); ; datagram = await peer.next()) {
      if (datagram[1] === 255) return before;
      before.push(datagram);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const done of this.pending.splice(0)) done('notRecorded');
    for (const peer of this.#peers) await peer[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
  }
}

/** A report of a station; identifiers up to 254, since 255 is that of `caughtUp`. */
export function report(options: {
  readonly identifier?: number;
  readonly status?: number;
  readonly session?: string;
  readonly secret?: Buffer;
  readonly more?: readonly Attribute[];
  readonly messageAuthenticator?: boolean;
}): Buffer {
  return encodeAccountingRequest({
    identifier: options.identifier ?? 1,
    secret: options.secret ?? secret,
    messageAuthenticator: options.messageAuthenticator ?? false,
    attributes: [
      integerAttribute(attributeType.acctStatusType, options.status ?? 1),
      textAttribute(attributeType.callingStationId, '00-00-5E-00-53-01'),
      textAttribute(attributeType.nasIdentifier, 'ap-lobby'),
      textAttribute(attributeType.acctSessionId, options.session ?? 's1'),
      ...(options.more ?? []),
    ],
  });
}

export function proxyState(text: string): Attribute {
  return octetsAttribute(attributeType.proxyState, Buffer.from(text));
}
