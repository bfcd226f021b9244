import type { FSWatcher } from 'node:fs';
import type { AddressSink } from '../../observation/address-hold.ts';
import type { Observation, ObservationSink } from '../../observation/observation.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { Loop } from '../../runtime/loop.ts';
import type { Source, SourceStatus } from '../source.ts';
import { compareLeases, isUnsure, leaseKey, type KnownLeases } from './changes.ts';
import type { DhcpSourceConfig } from './config.ts';
import { parseDnsmasqLeases } from './dnsmasq.ts';
import type { LeaseList } from './lease.ts';
import { LeaseFileError, readLeaseFile, watchLeaseFile, type FileContent } from './lease-file.ts';
import { mapChange, mapLease } from './map.ts';

export type DhcpPorts = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: ObservationSink;
  readonly addresses: AddressSink;
};

/** What is written in several steps is read once. */
const settleMs = 100;
/** Somewhat longer than a lease must be missing. */
const lookAgainMs = 1_100;
/** How often the addresses of leases that do not change are told again. */
const tellEveryMs = 3_600_000;
/** How long a stop waits for what is being recorded. */
const drainMs = 4_000;

/** How each format is read. */
const readers: { readonly [Format in DhcpSourceConfig['format']]: (text: string) => LeaseList } = {
  dnsmasq: parseDnsmasqLeases,
};

/**
 * Follows the lease file of a DHCP server. What it says of presence is little, a lease being valid for hours; what it
 * says best is which station has which address.
 */
export class DhcpSource implements Source {
  readonly type = 'dhcp';
  readonly precision = 'associated';
  readonly #config: DhcpSourceConfig;
  readonly #ports: DhcpPorts;
  /** What is not recorded yet, by lease; the newest of each. */
  readonly #pending = new Map<string, Observation>();
  readonly #inFlight = new Set<Observation>();
  #loop: Loop | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;
  #text: string | undefined;
  /** Undefined before the first look, and again after the file could not be read. */
  #known: KnownLeases | undefined;
  #lookedAt = 0;
  #toldAt = 0;
  #state: SourceStatus['state'] = 'starting';
  #since: number;
  #problem: string | undefined;
  #failing = false;
  #observations = 0;
  #lastObservationAt: number | undefined;

  constructor(config: DhcpSourceConfig, ports: DhcpPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#since = ports.clock.now();
  }

  get id(): string {
    return this.#config.id;
  }

  get spaceId(): string {
    return this.#config.space;
  }

  /** A file that is not there yet is no reason not to start: it is there once somebody has a lease. */
  async start(): Promise<void> {
    const { poll: everyMs } = this.#config;
    const run = async (): Promise<void> => await this.#look();
    await run().catch((error: unknown) => this.#fail(error));
    const backoff = { firstMs: Math.min(everyMs, 1_000), mostMs: everyMs };
    this.#loop = new Loop({ run, everyMs, backoff, onError: (error) => this.#fail(error) });
  }

  status(): SourceStatus {
    const problem =
      this.#problem ?? (this.#failing ? 'what the leases say cannot be recorded; trying again' : undefined);
    return {
      state: this.#state,
      since: this.#since,
      observations: this.#observations,
      ...(this.#lastObservationAt === undefined ? {} : { lastObservationAt: this.#lastObservationAt }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    await this.#loop?.[Symbol.asyncDispose]();
    clearTimeout(this.#timer);
    if (this.#inFlight.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const deadline = setTimeout(resolve, drainMs);
      this.#onIdle = resolve;
      await promise;
      clearTimeout(deadline);
    }
    this.#become('down', undefined);
  }

  async #look(): Promise<void> {
    this.#watcher ??= watchLeaseFile(this.#config.file, () => this.#lookIn(settleMs));
    const content = await readLeaseFile(this.#config.file);
    const now = this.#ports.clock.now();
    if (content.text !== this.#text || this.#hasMissing()) this.#compare(content, now);
    else if (now - this.#toldAt >= tellEveryMs) this.#tellAddresses(now);
    this.#lookedAt = now;
    for (const [key, observation] of this.#pending) this.#send(key, observation);
  }

  #compare({ text, writtenAt }: FileContent, now: number): void {
    const list = readers[this.#config.format](text);
    const look = { ...list, at: now, writtenAt: Math.min(now, Math.max(this.#lookedAt, writtenAt)) };
    const { known, changes } = compareLeases(this.#known, look);
    this.#known = known;
    this.#text = text;
    const origin = { sourceId: this.id, spaceId: this.spaceId };
    for (const change of changes) this.#pending.set(leaseKey(change.lease), mapChange(change, origin));
    this.#tellAddresses(now);
    if (isUnsure(known, list)) this.#lookIn(lookAgainMs);
    this.#become('up', list.leases.some(({ until }) => until === undefined) ? this.#undated() : undefined);
  }

  #tellAddresses(now: number): void {
    this.#toldAt = now;
    for (const lease of this.#known?.values() ?? []) {
      if (lease.missingSince === undefined) {
        this.#ports.addresses.hold(mapLease(lease, now, { sourceId: this.id, spaceId: this.spaceId }));
      }
    }
  }

  #send(key: string, observation: Observation): void {
    if (this.#inFlight.has(observation)) return;
    this.#inFlight.add(observation);
    this.#ports.sink.observe(observation, (result) => {
      this.#inFlight.delete(observation);
      this.#failing = result === 'notRecorded';
      // What was not recorded is sent again after the next look: no one else repeats it.
      if (!this.#failing && this.#pending.get(key) === observation) this.#pending.delete(key);
      if (result === 'recorded') {
        this.#observations += 1;
        this.#lastObservationAt = this.#ports.clock.now();
      }
      if (this.#inFlight.size === 0) this.#onIdle?.();
    });
  }

  #hasMissing(): boolean {
    return [...(this.#known?.values() ?? [])].some(({ missingSince }) => missingSince !== undefined);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#loop?.wake(), ms);
  }

  /** Blind: what the file says when it is back is a first look, since nobody saw what happened meanwhile. */
  #fail(error: unknown): void {
    if (!(error instanceof LeaseFileError)) {
      this.#ports.logger.error({ err: error, source: this.id }, 'failed on a lease file');
    }
    this.#known = undefined;
    this.#text = undefined;
    this.#watcher?.close();
    this.#watcher = undefined;
    const why = error instanceof Error ? error.message : String(error);
    const advice = `is dnsmasq running, and is this its dhcp-leasefile?`;
    this.#become('down', `cannot read the leases in "${this.#config.file}": ${why}; ${advice} Trying again`);
  }

  #undated(): string {
    return `the leases in "${this.#config.file}" do not say when they end (this dnsmasq was built for a machine without a clock), so renewals are not seen`;
  }

  #become(state: SourceStatus['state'], problem: string | undefined): void {
    if (state !== this.#state) this.#since = this.#ports.clock.now();
    this.#state = state;
    this.#problem = problem;
  }
}
