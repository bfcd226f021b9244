import { Packr } from 'msgpackr';
import type { NasReset, NasResetSink } from '../observation/nas-reset.ts';
import type { RecordResult } from '../observation/observation.ts';
import { replicated } from '../redis/replication.ts';
import type { Logger } from '../runtime/logger.ts';
import { Loop } from '../runtime/loop.ts';
import type { NasWatch } from './nas-watch.ts';
import type { PresenceClock } from './presence-clock.ts';
import type { PresenceStore } from './store.ts';
import type { NasName } from './transition.ts';

/** A NAS as all nodes together know it. Instants are epoch milliseconds. */
export type NasState = {
  readonly nas: NasName;
  readonly heardAt: number;
  /** How often its stations report, milliseconds; 0 while that is not known. */
  readonly cadenceMs: number;
  readonly isSet: boolean;
  readonly sendsNone: boolean;
  /** Since when it is silent although its stations should report; null while it is not. */
  readonly blindSince: number | null;
};

export type HeartbeatPorts = {
  readonly store: PresenceStore;
  readonly watch: NasWatch;
  readonly clock: PresenceClock;
  readonly logger: Logger;
};

const everyMs = 1_000;
/** A difference between Redis' clock and ours that is larger than this, and than the answer took, is a step. */
const stepMs = 2_000;

type PackedNasState = [
  number: string,
  heardAt: number,
  cadence: number,
  isSet: boolean,
  sendsNone: boolean,
  stations: number,
  blindSince: number,
  details: string,
];

/**
 * Says once a second that this node takes observations in, so that a gap in that is found whatever caused it: then nobody is
 * checked out for the time in which nothing could be seen. It also tells which NASes were heard, and keeps the clock.
 */
export class Heartbeat implements NasResetSink, AsyncDisposable {
  readonly #ports: HeartbeatPorts;
  readonly #packr = new Packr({ useRecords: false, int64AsType: 'number' });
  #loop: Loop | undefined;
  #nases: readonly NasState[] = [];
  #last: { readonly wall: number; readonly at: number; readonly steps: number } | undefined;

  constructor(ports: HeartbeatPorts) {
    this.#ports = ports;
  }

  get nases(): readonly NasState[] {
    return this.#nases;
  }

  /** From now on this node sees. */
  async start(): Promise<void> {
    const { logger } = this.#ports;
    await this.beat();
    this.#loop = new Loop({
      run: () => this.beat(),
      everyMs,
      backoff: { firstMs: 250, mostMs: everyMs },
      onError: (err, failures) => {
        if (failures === 1)
          logger.warn({ err }, 'the heartbeat does not reach Redis; until it does, nobody is checked out');
      },
    });
  }

  async beat(): Promise<void> {
    const { store, watch, clock } = this.#ports;
    const began = clock.monotonic();
    const heard = watch.takeHeard(began);
    try {
      const reply = (await store.runBinary('beat', [this.#packr.pack(heard)])) as [number, number, number, Buffer];
      const between = [began, clock.monotonic()] as const;
      await this.#keepTime(reply[0], reply[1], between);
      this.#takeStates(this.#packr.unpack(reply[3]) as PackedNasState[]);
    } catch (error) {
      watch.returnHeard(heard);
      throw error;
    }
  }

  /** An Accounting-On or -Off. It moves nobody: stations come back within seconds of an access point's restart. */
  reset(reset: NasReset, done: (result: RecordResult) => void): void {
    const { number, details } = this.#ports.watch.hearReset(reset);
    const { store, clock } = this.#ports;
    const write = () => store.run('resetNas', [number, reset.at, details]);
    replicated(store.redis, store.keys.presence, clock, write).then(
      ([, isReplicated]) => done(isReplicated ? 'recorded' : 'notRecorded'),
      () => done('notRecorded'),
    );
  }

  /** A step back is found and told by the scripts themselves; one forward looks to them like any other gap. */
  async #keepTime(wall: number, steps: number, between: readonly [number, number]): Promise<void> {
    const { clock, store, logger } = this.#ports;
    clock.set(wall, between);
    const at = (between[0] + between[1]) / 2;
    const last = this.#last;
    let count = steps;
    if (last !== undefined) {
      const jump = wall - last.wall - (at - last.at);
      const slack = stepMs + (between[1] - between[0]);
      if (Math.abs(jump) > slack) {
        clock.noteStep(Math.round(jump));
        logger.warn({ jumpMs: Math.round(jump) }, "Redis' clock was set; nobody is checked in or out by that");
        if (jump > 0 && steps === last.steps) {
          count = Number(await store.run('noteStep', [steps, Math.round(jump)]));
        }
      }
    }
    this.#last = { wall, at, steps: count };
  }

  #takeStates(states: readonly PackedNasState[]): void {
    this.#nases = states.flatMap(([number, heardAt, cadenceMs, isSet, sendsNone, , blindSince, details]) => {
      this.#ports.watch.recall(Number(number), isSet ? 0 : cadenceMs, sendsNone);
      if (details === '') return [];
      const nas = JSON.parse(details) as NasName;
      return [{ nas, heardAt, cadenceMs, isSet, sendsNone, blindSince: blindSince > 0 ? blindSince : null }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop?.[Symbol.asyncDispose]();
  }
}
