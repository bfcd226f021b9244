import { presenceKeys, shardKeys } from '../../src/presence/keys.ts';
import type { PresenceScripts } from '../../src/presence/scripts.ts';
import { aheadAt, Days, type ClockStep } from './days.ts';
import type { Fault } from './faults.ts';
import { lossAt, type Delivered, type Loss, type Played } from './played.ts';
import { toObservation, toReset } from './radio.ts';
import type { Scenario, Transmission } from './scenario.ts';
import type { Servers } from './servers.ts';
import { Service } from './service.ts';
import { Snapshots } from './snapshots.ts';
import { beatOnly, peek, withTime, type Peeked } from './virtual-clock.ts';
import { registered, type Interval } from './truth.ts';
import { hour, minute, morning, second, type AccessPoint } from './venue.ts';

const keys = presenceKeys(shardKeys(0));

type Step =
  | { readonly type: 'arrives'; readonly at: number; readonly sent: Transmission; readonly attempt: number }
  | { readonly type: 'fault'; readonly at: number; readonly fault: Fault }
  | { readonly type: 'up' | 'ensure'; readonly at: number }
  | { readonly type: 'reset'; readonly at: number; readonly accessPoint: AccessPoint; readonly happened: number };

/** Lets the day of a scenario happen to the production code. */
export class Play {
  readonly #scenario: Scenario;
  readonly #servers: Servers;
  readonly #scripts: PresenceScripts;
  readonly #steps: Step[];
  readonly #delivered: Delivered[] = [];
  readonly #forgotten: Delivered[] = [];
  readonly #clockSteps: ClockStep[] = [];
  readonly #losses: Loss[] = [];
  readonly #setBacks: Interval[] = [];
  readonly #snapshots: Snapshots<{ readonly count: number; readonly at: number }> | undefined;
  readonly #complaints: string[] = [];
  #service: Service | undefined;
  #now = 0;
  #offset = 0;
  /** By how much the clock of presence is ahead. */
  #ahead = 0;
  #lookedAt = 0;
  #beatAt = 0;
  /** Whether something was heard since the last beat. */
  #isHeard = false;
  #recordedAt = 0;
  #dueAt = Infinity;
  #waiting = 0;
  #stems = 0;
  /** Until then, and no longer, nobody has been beating. */
  #unseenUntil = 0;
  #diesUnanswered = false;
  /** Whether Redis is empty until presence is put back. */
  #isWiped = false;

  constructor(scenario: Scenario, servers: Servers, scripts: PresenceScripts) {
    this.#scenario = scenario;
    this.#servers = servers;
    this.#scripts = withTime(
      scripts,
      () => this.#time(),
      (peeked) => this.#see(peeked),
    );
    this.#steps = [
      ...scenario.transmissions.map((sent): Step => ({ type: 'arrives', at: sent.arrives, sent, attempt: 1 })),
      ...scenario.faults.map((fault): Step => ({ type: 'fault', at: fault.from, fault })),
    ].toSorted((a, b) => a.at - b.at);
    if (scenario.faults.some(({ type }) => type === 'redisTailLost')) this.#snapshots = new Snapshots(servers.redis);
  }

  async run(): Promise<Played> {
    await this.#servers.empty();
    await this.#boot();
    const quietAt = (this.#steps.at(-1)?.at ?? 0) + 30 * hour;
    for (;;) {
      const step = this.#steps[0];
      const look = this.#nextLook();
      const next = Math.min(step?.at ?? Infinity, look);
      if (next === Infinity || next > quietAt) break;
      this.#now = Math.max(next, this.#now);
      if (step !== undefined && step.at <= next) await this.#take();
      else await this.#look();
      if (this.#waiting > 0 && this.#now - this.#recordedAt >= this.#scenario.recordEvery) await this.#record();
    }
    await this.#record();
    await this.#record();
    await this.#service?.stop();
    return {
      delivered: this.#delivered,
      forgotten: this.#forgotten,
      days: new Days(this.#clockSteps),
      losses: this.#losses,
      setBacks: this.#setBacks,
      endedAt: this.#day(),
      complaints: this.#complaints,
    };
  }

  #day(): number {
    return this.#now + this.#ahead;
  }

  #wall(): number {
    return morning + this.#now + this.#offset;
  }

  async #boot(): Promise<void> {
    this.#unseenUntil = this.#now;
    const { redis, db } = this.#servers;
    const { spaces } = this.#scenario.venue;
    const devices = registered(this.#scenario.people);
    this.#service = new Service({
      redis,
      db,
      scripts: this.#scripts,
      uniqueText: () => `v${(this.#stems += 1)}-`,
      clock: { now: () => this.#wall(), monotonic: () => this.#now },
      spaces: spaces.map((space) => Object.assign({ counts: () => true }, space)),
      resolve: (station) => devices.get(station),
    });
    await this.#service.start();
    this.#isWiped = false;
    this.#beatAt = this.#now;
  }

  #nextLook(): number {
    if (this.#service === undefined) return Infinity;
    // What was heard is told within a minute, and who is due is found within a look.
    const due = Math.max(this.#dueAt, this.#lookedAt + this.#scenario.lookEvery);
    return this.#isHeard ? Math.min(due, this.#beatAt + minute) : due;
  }

  #time(): [isSeen: 0 | 1, now: number] {
    const isSeen = this.#service !== undefined && !this.#isWiped && this.#now > this.#unseenUntil;
    return [isSeen ? 1 : 0, this.#wall()];
  }

  #see([due, waiting]: Peeked): void {
    this.#dueAt = String(due) === '' ? Infinity : this.#now + Number(due) - this.#wall();
    this.#waiting = waiting;
  }

  /** The process has been beating until now, and that is the last of it. */
  async #lastBeat(): Promise<void> {
    await beatOnly.run(this.#servers.redis, keys, this.#time());
    this.#unseenUntil = this.#now;
  }

  async #look(): Promise<void> {
    const service = this.#service;
    if (service === undefined) return;
    this.#lookedAt = this.#now;
    this.#beatAt = this.#now;
    this.#isHeard = false;
    await Promise.all([service.beat(), service.expire()]);
    await this.#takeSnapshot();
  }

  async #record(): Promise<void> {
    const service = this.#service;
    if (service === undefined) return;
    this.#recordedAt = this.#now;
    const isToFail = service.breaksAt !== undefined;
    if (await service.record()) return;
    if (!isToFail) this.#complaints.push(`the recorder failed at ${Math.round(this.#day() / minute)}`);
    // The process is gone, or tries again half a second later; what it does then is the same.
    await this.#restart();
    await this.#service?.record();
  }

  async #restart(): Promise<void> {
    await this.#lastBeat();
    await this.#service?.stop();
    await this.#boot();
  }

  async #take(): Promise<void> {
    const step = this.#steps.shift() as Step;
    switch (step.type) {
      case 'arrives': {
        const together = [step];
        while (this.#steps[0]?.type === 'arrives' && this.#steps[0].at <= this.#now && together.length < 50) {
          together.push(this.#steps.shift() as Step & { type: 'arrives' });
        }
        await this.#arrive(together);
        break;
      }
      case 'fault':
        await this.#fail(step.fault);
        break;
      case 'up':
        await this.#boot();
        break;
      case 'ensure':
        await this.#ensure();
        break;
      case 'reset':
        await this.#reset(step);
        break;
      default:
        step satisfies never;
    }
  }

  async #arrive(steps: readonly (Step & { type: 'arrives' })[]): Promise<void> {
    const service = this.#service;
    if (service === undefined) {
      for (const step of steps) this.#again(step);
      return;
    }
    const delays = steps.map(({ sent: { report } }) =>
      Math.max(0, this.#now - report.at - report.accessPoint.clockError),
    );
    const observations = steps.map(({ sent: { report } }, index) =>
      toObservation(report, this.#wall() - (delays[index] as number)),
    );
    const taken = service.observe(observations);
    const isBeatDue = service.hearsFirst(observations) || this.#now - this.#beatAt > minute;
    if (isBeatDue) this.#beatAt = this.#now;
    this.#isHeard = !isBeatDue;
    const [results] = await Promise.all([taken, isBeatDue ? service.beat() : undefined]);
    for (const [index, step] of steps.entries()) {
      const isTaken = results[index] === 'recorded';
      const { report } = step.sent;
      if (isTaken) {
        const crossesStep = this.#ahead !== aheadAt(this.#scenario.faults, report.at);
        const arrived = this.#day();
        this.#delivered.push({ report, at: arrived - (delays[index] as number), arrived, crossesStep });
      }
      if (!isTaken || this.#diesUnanswered) this.#again(step);
    }
    if (service.isLost) await this.#ensure();
    await this.#takeSnapshot();
    if (this.#diesUnanswered) {
      this.#diesUnanswered = false;
      await this.#goDown(this.#now + 3 * second);
    }
  }

  #again(step: Step & { type: 'arrives' }): void {
    const { accessPoint } = step.sent.report;
    const back = this.#steps.find(({ type }) => type === 'up')?.at ?? this.#now;
    const attempt = step.attempt + Math.ceil(Math.max(10 * second, back - this.#now) / (10 * second));
    if (attempt > accessPoint.attempts) return;
    this.#put({
      ...step,
      at: Math.max(this.#now + 5 * second, back + 1 + (step.sent.arrives % (7 * second))),
      attempt,
    });
  }

  #put(step: Step): void {
    const at = this.#steps.findIndex((other) => other.at > step.at);
    if (at === -1) this.#steps.push(step);
    else this.#steps.splice(at, 0, step);
  }

  async #fail(fault: Fault): Promise<void> {
    const service = this.#service;
    switch (fault.type) {
      case 'down':
        await this.#goDown(fault.to);
        break;
      case 'diesUnanswered':
        this.#diesUnanswered = service !== undefined;
        break;
      case 'diesCommitted':
      case 'commitUnanswered':
        if (service !== undefined) service.breaksAt = fault.type === 'diesCommitted' ? 'delete' : 'commit';
        break;
      case 'redisWiped':
        await service?.noteSeeing();
        await this.#servers.redis.flushall();
        this.#snapshots?.forget();
        this.#isWiped = true;
        this.#losses.push(lossAt(this.#day(), this.#recordedAt, this.#scenario));
        if (service !== undefined) this.#put({ type: 'ensure', at: this.#now + (fault.from % (20 * second)) });
        break;
      case 'redisTailLost':
        await this.#forgetTail(fault.effects);
        break;
      case 'clockSteps':
        await this.#lastBeat();
        this.#clockSteps.push({ at: this.#day(), jump: fault.jump });
        this.#offset += fault.jump;
        this.#ahead += Math.max(0, fault.jump);
        if (service !== undefined) await service.beat();
        break;
      case 'reboot': {
        const { from } = fault;
        const accessPoint = this.#scenario.venue.accessPoints.find(
          ({ name }) => name === fault.accessPoint,
        ) as AccessPoint;
        this.#put({ type: 'reset', at: from + 4 * second, accessPoint, happened: from + 2 * second });
        break;
      }
      case 'outage':
        break;
      default:
        fault satisfies never;
    }
  }

  async #ensure(): Promise<void> {
    await this.#service?.ensure();
    this.#see((await peek.run(this.#servers.redis, keys, [])) as Peeked);
    this.#isWiped = false;
  }

  async #takeSnapshot(): Promise<void> {
    await this.#snapshots?.take({ count: this.#delivered.length, at: this.#day() });
  }

  /** Redis comes back without what it did last. Where the ledger knows more, presence is put back from there. */
  async #forgetTail(effects: number): Promise<void> {
    await this.#service?.noteSeeing();
    const before = this.#service?.store.epoch;
    const taken = await this.#snapshots?.goBack(effects);
    if (taken === undefined) return;
    this.#unseenUntil = this.#now;
    await this.#ensure();
    await this.#service?.beat();
    if (this.#service?.store.epoch === before) {
      this.#forgotten.push(...this.#delivered.splice(taken.count));
      this.#setBacks.push([taken.at, this.#day()]);
    } else {
      this.#losses.push(lossAt(this.#day(), this.#recordedAt, this.#scenario));
    }
  }

  async #goDown(until: number): Promise<void> {
    if (!this.#service) return;
    await this.#service.beat();
    await this.#lastBeat();
    await this.#service.noteSeeing();
    await this.#service.stop();
    this.#service = undefined;
    this.#put({ type: 'up', at: until });
  }

  async #reset(step: Step & { type: 'reset' }): Promise<void> {
    const { accessPoint, happened } = step;
    const at = this.#wall() - Math.max(0, this.#now - happened - accessPoint.clockError);
    const result = await this.#service?.reset(toReset(accessPoint, at));
    if (result !== 'recorded') this.#put({ ...step, at: this.#now + 10 * second });
  }
}
