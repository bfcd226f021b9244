import type { ObservationSink } from '../../observation/observation.ts';
import type { Clock } from '../../runtime/clock.ts';
import { isSignedBy, parseWebhookSecret, type WebhookSignature } from '../../runtime/standard-webhooks.ts';
import type { Source, SourceStatus } from '../source.ts';
import type { PushSourceConfig } from './config.ts';
import { mapItem } from './map.ts';
import type { PushedItem } from './schema.ts';

export type PushPorts = {
  readonly clock: Clock;
  readonly sink: ObservationSink;
  /** Older evidence moves nothing, milliseconds. */
  readonly lateWindow: number;
};

/** What became of a batch: how many entries are durable now, how many lead to nothing and why, and how many to send again. */
export type PushOutcome = {
  readonly recorded: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly notRecorded: number;
};

/** How long a stop waits for what is being recorded. */
const drainMs = 4_000;
/** How many wrong signatures are more than a slip, and how long the last of them is worth a notice. */
const fewFailures = 3;
const failureNoticeMs = 10 * 60_000;

/** Takes the batches that others send over HTTP. It listens to nothing itself, so it is up as long as we are. */
export class PushSource implements Source {
  readonly type = 'push';
  readonly precision = 'active';
  readonly #config: PushSourceConfig;
  readonly #ports: PushPorts;
  readonly #keys: readonly Buffer[];
  readonly #inFlight = new Set<Promise<PushOutcome>>();
  #state: SourceStatus['state'] = 'starting';
  #since: number;
  #observations = 0;
  #lastObservationAt: number | undefined;
  #isFailing = false;
  #forged: { readonly senderAddress: string; readonly at: number; readonly count: number } | undefined;

  constructor(config: PushSourceConfig, ports: PushPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#since = ports.clock.now();
    this.#keys = [config.secret, config.previousSecret].flatMap((secret) => {
      const key = secret && parseWebhookSecret(secret.reveal());
      return key === undefined ? [] : [key];
    });
  }

  get id(): string {
    return this.#config.id;
  }

  get spaceId(): string {
    return this.#config.space;
  }

  /** Whether only signed batches are taken. */
  get isSigned(): boolean {
    return this.#keys.length > 0;
  }

  /** Whether a batch was signed with a secret of this source; remembers from where those come that were not. */
  isGenuine(signature: WebhookSignature, body: Uint8Array, senderAddress: string): boolean {
    if (!this.isSigned) return false;
    if (isSignedBy(this.#keys, signature, body)) return true;
    const at = this.#ports.clock.now();
    const before = this.#recentForgeries();
    this.#forged = { senderAddress, at, count: before + 1 };
    return false;
  }

  async start(): Promise<void> {
    this.#become('up');
  }

  status(): SourceStatus {
    const problem = this.#problem();
    return {
      state: this.#state,
      since: this.#since,
      observations: this.#observations,
      ...(this.#lastObservationAt === undefined ? {} : { lastObservationAt: this.#lastObservationAt }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Resolves once every entry is durable, or is known not to be. `sentAt` is for entries that have no time of their own. */
  async observe(items: readonly PushedItem[], sentAt?: number): Promise<PushOutcome> {
    if (this.#state === 'down') return { recorded: 0, ignored: {}, notRecorded: items.length };
    const outcome = this.#record(items, sentAt);
    this.#inFlight.add(outcome);
    try {
      return await outcome;
    } finally {
      this.#inFlight.delete(outcome);
    }
  }

  /** Takes nothing in any more, and lets what is under way be recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#become('down');
    if (this.#inFlight.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, drainMs);
    await Promise.race([promise, Promise.all(this.#inFlight)]);
    clearTimeout(deadline);
  }

  async #record(items: readonly PushedItem[], sentAt: number | undefined): Promise<PushOutcome> {
    const { clock, sink, lateWindow } = this.#ports;
    const now = clock.now();
    const arrival = { sourceId: this.id, spaceId: this.spaceId, now, sentAt: sentAt ?? now, lateWindow };
    let recorded = 0;
    let notRecorded = 0;
    const ignored: Record<string, number> = {};
    const ignore = (reason: string): void => void (ignored[reason] = (ignored[reason] ?? 0) + 1);
    const entries = items.map(async (item) => {
      const mapped = mapItem(item, arrival);
      if (mapped.type === 'ignored') {
        ignore(mapped.reason);
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      sink.observe(mapped.observation, (result, reason = 'other') => {
        if (result === 'recorded') recorded += 1;
        else if (result === 'ignored') ignore(reason);
        else notRecorded += 1;
        resolve();
      });
      await promise;
    });
    await Promise.all(entries);
    this.#note(recorded, notRecorded, now);
    return { recorded, ignored, notRecorded };
  }

  #note(recorded: number, notRecorded: number, arrivedAt: number): void {
    this.#observations += recorded;
    if (recorded > 0) this.#lastObservationAt = arrivedAt;
    if (recorded > 0 || notRecorded > 0) this.#isFailing = notRecorded > 0;
  }

  #problem(): string | undefined {
    if (this.#isFailing) return 'batches are answered 503 because they cannot be recorded';
    if (this.#forged === undefined || this.#recentForgeries() < fewFailures) return undefined;
    return `batches with a wrong signature come from ${this.#forged.senderAddress}: give that sender the secret of this source, and let it sign the very bytes that it sends`;
  }

  #recentForgeries(): number {
    if (this.#forged === undefined) return 0;
    return this.#ports.clock.now() - this.#forged.at > failureNoticeMs ? 0 : this.#forged.count;
  }

  #become(state: SourceStatus['state']): void {
    if (state !== this.#state) this.#since = this.#ports.clock.now();
    this.#state = state;
  }
}
