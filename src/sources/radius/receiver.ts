import type { NasResetSink } from '../../observation/nas-reset.ts';
import type { ObservationSink, RecordResult } from '../../observation/observation.ts';
import { decodeRequest, type Rejected, type RejectReason } from '../../protocols/radius/decode.ts';
import { packetCode } from '../../protocols/radius/dictionary.ts';
import { encodeAccountingResponse, encodeStatusResponse } from '../../protocols/radius/encode-response.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { ClientTable, type RadiusClient } from './client-table.ts';
import type { RadiusSourceConfig } from './config.ts';
import { DuplicateCache, type Exchange } from './duplicate-cache.ts';
import { mapAccounting } from './map.ts';
import { NasClocks } from './nas-clocks.ts';
import { RateLimit } from './rate-limit.ts';
import { SampledLog } from './sampled-log.ts';

/** What became of a request; the label `result` of `radius_requests_total`. */
export type RadiusResult =
  | 'accepted'
  | 'duplicate'
  | 'badAuthenticator'
  | 'unknownClient'
  | 'malformed'
  | 'rateLimited'
  | 'notRecorded'
  | 'replay';

export type RadiusPorts = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: ObservationSink;
  readonly nas: NasResetSink;
  /** Older evidence moves nothing, milliseconds. */
  readonly lateWindow: number;
  /** By how much our own clock was set so far, milliseconds; absent where it is never set. */
  readonly steppedBy?: () => number;
  /** `client` is a configured address range, or `unknown`. */
  readonly count: (client: string, result: RadiusResult) => void;
};

export type Send = (answer: Buffer, port: number, address: string) => void;

const resultOf = {
  truncated: 'malformed',
  badLength: 'malformed',
  unexpectedCode: 'malformed',
  malformedAttribute: 'malformed',
  badAuthenticator: 'badAuthenticator',
  badMessageAuthenticator: 'badAuthenticator',
  missingMessageAuthenticator: 'badAuthenticator',
} as const satisfies Record<RejectReason, RadiusResult>;

/** Requests under way; beyond it they are left unanswered, and their NAS repeats them. */
const maxInFlight = 65_536;
/** Addresses whose client is remembered because they have shown that they know its secret. */
const maxVerified = 65_536;

/** What happens to a datagram, from the socket to the answer. Holds no socket itself. */
export class RadiusReceiver {
  /** Recorded so far, and when the last of them came in. */
  observations = 0;
  lastObservationAt: number | undefined;
  /** Whether the last attempt to record something failed. */
  failing = false;
  inFlight = 0;
  /** The last genuine report that was too old to be news, and when it came in. */
  lastReplay: { readonly senderAddress: string; readonly at: number } | undefined;
  /** Called when nothing is under way any more. */
  onIdle: (() => void) | undefined;

  readonly #sourceId: string;
  readonly #ports: RadiusPorts;
  readonly #send: Send;
  readonly #clients: ClientTable;
  readonly #verified = new Map<string, RadiusClient>();
  readonly #duplicates = new DuplicateCache();
  readonly #failures = new RateLimit();
  readonly #clocks: NasClocks;
  readonly #log: SampledLog;

  constructor(config: RadiusSourceConfig, ports: RadiusPorts, send: Send) {
    this.#sourceId = config.id;
    this.#ports = ports;
    this.#send = send;
    this.#clients = new ClientTable(config);
    this.#clocks = new NasClocks(ports.steppedBy);
    this.#log = new SampledLog(ports.logger.child({ source: config.id }));
  }

  receive(datagram: Buffer, address: string, port: number): void {
    const now = this.#ports.clock.monotonic();
    if (port === 0) {
      // Nothing can be sent to port 0, so its sender is no NAS (RFC 768: a source port of zero means no reply).
      this.#discard(this.#clients.find(address), 'malformed', 'noReturnPort', address, now);
      return;
    }
    const verified = this.#verified.get(address);
    // An address that has proved itself is never turned away for what others send in its name.
    if (verified === undefined && this.#failures.isExhausted(address, now)) {
      this.#discard(this.#clients.find(address), 'rateLimited', 'rateLimited', address, now);
      return;
    }
    const client = verified ?? this.#clients.find(address);
    if (client === undefined) {
      this.#failures.noteFailure(address, now);
      this.#discard(client, 'unknownClient', 'unknownClient', address, now);
      return;
    }
    for (const secret of client.secrets) {
      const decoded = decodeRequest(datagram, secret, client);
      if (decoded.type === 'packet') {
        if (verified === undefined) this.#remember(address, client);
        this.#take(decoded, secret, client, address, port, now);
        return;
      }
      if (secret !== client.secrets.at(-1) && mayBeOtherSecret(decoded)) continue;
      const result = resultOf[decoded.reason];
      if (result === 'badAuthenticator') this.#failures.noteFailure(address, now);
      this.#discard(client, result, decoded.reason, address, now);
      return;
    }
  }

  #take(packet: RadiusPacket, secret: Buffer, client: RadiusClient, address: string, port: number, now: number): void {
    if (packet.code === packetCode.statusServer) {
      this.#send(encodeStatusResponse(packet, secret), port, address);
      this.#ports.count(client.label, 'accepted');
      return;
    }
    const earlier = this.#duplicates.find(address, port, packet.bytes, now);
    if (earlier !== undefined) {
      if (earlier.state === 'answered') this.#send(earlier.answer, port, address);
      this.#ports.count(client.label, 'duplicate');
      return;
    }
    if (this.inFlight >= maxInFlight) {
      this.#discard(client, 'notRecorded', 'tooManyInFlight', address, now);
      return;
    }
    const answer = encodeAccountingResponse(packet, secret);
    this.#record(packet, client, this.#duplicates.add(address, port, packet.bytes, answer, now), now);
  }

  #record(packet: RadiusPacket, client: RadiusClient, exchange: Exchange, now: number): void {
    const arrivedAt = this.#ports.clock.now();
    this.inFlight += 1;
    const done = (result: RecordResult): void => this.#settle(exchange, client, result, arrivedAt);
    try {
      const mapped = mapAccounting(packet, arrivedAt, {
        sourceId: this.#sourceId,
        spaceId: client.spaceId,
        senderAddress: exchange.address,
        clocks: this.#clocks,
        lateWindow: this.#ports.lateWindow,
        reportingInterval: client.reportingInterval,
      });
      if (mapped.type === 'ignored') {
        this.#log.warn(mapped.reason, exchange.address, now);
        if (mapped.reason === 'replay') this.lastReplay = { senderAddress: exchange.address, at: arrivedAt };
        this.#settle(exchange, client, mapped.reason === 'replay' ? 'replay' : 'ignored', arrivedAt);
        return;
      }
      if (mapped.doubt !== undefined) this.#log.warn(mapped.doubt, exchange.address, now);
      if (mapped.type === 'observation') this.#ports.sink.observe(mapped.observation, done);
      else this.#ports.nas.reset(mapped.reset, done);
    } catch (error) {
      // A defect of ours in what one packet leads to. Its NAS would send it again after every restart, so that crashing
      // would stop the service for everybody for as long as that packet lives.
      this.#ports.logger.error(
        { err: error, source: this.#sourceId, senderAddress: exchange.address },
        'failed on a packet',
      );
      done('notRecorded');
    }
  }

  /** RFC 2866, section 4.1: answered if, and only if, it was recorded. */
  #settle(exchange: Exchange, client: RadiusClient, result: RecordResult | 'replay', arrivedAt: number): void {
    if (exchange.state !== 'pending') return;
    this.inFlight -= 1;
    if (result === 'notRecorded') {
      this.failing = true;
      exchange.state = 'refused';
      this.#duplicates.forget(exchange);
      this.#discard(client, 'notRecorded', 'notRecorded', exchange.address, this.#ports.clock.monotonic());
    } else {
      exchange.state = 'answered';
      this.#send(exchange.answer, exchange.port, exchange.address);
      this.#ports.count(client.label, result === 'replay' ? 'replay' : 'accepted');
      if (result === 'recorded') {
        this.failing = false;
        this.observations += 1;
        this.lastObservationAt = arrivedAt;
      }
    }
    if (this.inFlight === 0) this.onIdle?.();
  }

  #discard(client: RadiusClient | undefined, result: RadiusResult, reason: string, address: string, now: number): void {
    this.#ports.count(client?.label ?? 'unknown', result);
    this.#log.warn(reason, address, now);
  }

  #remember(address: string, client: RadiusClient): void {
    if (this.#verified.size >= maxVerified) this.#verified.clear();
    this.#verified.set(address, client);
  }
}

function mayBeOtherSecret({ reason }: Rejected): boolean {
  return reason === 'badAuthenticator' || reason === 'badMessageAuthenticator';
}
