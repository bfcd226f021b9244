import { Random } from './random.ts';

/** Times are ticks of 4.8 s: little enough to be no gap, and 125 of them are ten minutes. */
export const tickMs = 4_800;
const perMinute = 60_000 / tickMs;
const interimTicks = 10 * perMinute;

/** What an access point says of a phone, in ticks. */
export type CrowdReport = {
  readonly person: number;
  readonly accessPoint: number;
  readonly session: string;
  readonly status: 'start' | 'interim' | 'stop';
  /** When the session began. */
  readonly from: number;
  /** When it is said, and when that comes. */
  readonly at: number;
  readonly arrives: number;
  /** When the phone was last active, as its counters show. */
  readonly activeAt: number;
};

export type CrowdOptions = {
  readonly people: number;
  /** How many of them, the first ones, are there day and night; the others come on some days, and are gone by night. */
  readonly residents: number;
  readonly accessPoints: number;
  readonly days: number;
  readonly dayTicks: number;
  /** How likely somebody is to come on a day. */
  readonly turnout: number;
  readonly seed: number;
};

type Session = Pick<CrowdReport, 'accessPoint' | 'session' | 'from'>;
type Said = Session & Pick<CrowdReport, 'status' | 'at'>;

/**
 * People who come, roam, sleep, and leave with or without a word, and what access points report of their phones: on time, late,
 * twice or not at all. A day is three hours long. From 65 to 86 minutes after its beginning all who come are there and awake; 155
 * minutes after it they are gone.
 */
export class Crowd {
  readonly options: CrowdOptions;
  /** By `place`, when each visit began and when its phone was last active; NaN where there was none. */
  readonly since: Float64Array;
  readonly until: Float64Array;
  readonly #random: Random;

  constructor(options: CrowdOptions) {
    this.options = options;
    this.#random = new Random(options.seed);
    this.since = new Float64Array(options.people * options.days).fill(Number.NaN);
    this.until = this.since.slice();
  }

  /** Where a visit of a day stands; a resident has one visit. */
  place(person: number, day: number): number {
    return person < this.options.residents ? person : day * this.options.people + person;
  }

  /** The reports of the next day, by the ticks since its beginning. To be asked for one day after the other. */
  reportsOf(day: number): CrowdReport[][] {
    const { people, residents, dayTicks, turnout } = this.options;
    const byTick = Array.from({ length: dayTicks }, (): CrowdReport[] => []);
    for (let person = 0; person < people; person += 1) {
      const comes = person >= residents && this.#random.chance(turnout);
      const reports = person < residents ? this.#reside(person, day) : comes ? this.#visit(person, day) : [];
      const place = this.place(person, day);
      for (const report of reports) {
        byTick[report.arrives - day * dayTicks]?.push(report);
        this.since[place] = Math.min(this.since[place] || report.from, report.from);
        this.until[place] = Math.max(this.until[place] || report.activeAt, report.activeAt);
      }
    }
    return byTick;
  }

  /** Residents report in turn, so that no access point is silent for long, and stop shortly before the last day is over. */
  #reside(person: number, day: number): CrowdReport[] {
    const { residents, accessPoints, days, dayTicks } = this.options;
    const from = 1 + Math.floor((person * interimTicks) / residents);
    const session = { accessPoint: person % accessPoints, session: `resident-${person}`, from };
    return sessionOf(session, days * dayTicks - 2 * perMinute, true)
      .filter(({ at }) => Math.floor(at / dayTicks) === day)
      .map((said) => Object.assign(said, { person, arrives: said.at, activeAt: said.at }));
  }

  #visit(person: number, day: number): CrowdReport[] {
    const { accessPoints, dayTicks } = this.options;
    const random = this.#random;
    const minutes = (low: number, high: number): number =>
      day * dayTicks + Math.round(random.between(low * 60_000, high * 60_000) / tickMs);
    const leaves = minutes(135, 155);
    const roams = random.chance(0.25) ? minutes(50, 62) : leaves;
    const accessPoint = random.between(0, accessPoints - 1);
    const first = { accessPoint, session: `${day}-${person}-a`, from: minutes(1, 45) };
    const said = sessionOf(first, roams, random.chance(0.7));
    if (roams < leaves) {
      const second = { accessPoint: (accessPoint + 1) % accessPoints, session: `${day}-${person}-b`, from: roams };
      said.push(...sessionOf(second, leaves, random.chance(0.7)));
    } else if (random.chance(0.03)) {
      // Nothing is heard of its Start.
      said.shift();
    }
    const sleeps = random.chance(0.3) ? minutes(88, 95) : Infinity;
    const wakes = sleeps + Math.round(random.between(25, 40) * perMinute);
    let activeAt = 0;
    return said.flatMap((one) => {
      if (one.at <= sleeps || one.at >= wakes) activeAt = one.at;
      const arrives = one.at + (random.chance(0.05) ? random.between(1, 12) : 0);
      const report = { ...one, person, arrives, activeAt };
      return random.chance(0.03) ? [report, { ...report, arrives: arrives + 1 }] : [report];
    });
  }
}

/** Its Start, an interim every ten minutes, and at the end, should it come to that, its Stop. */
function sessionOf(session: Session, end: number, stops: boolean): Said[] {
  const said: Said[] = [{ ...session, status: 'start', at: session.from }];
  for (let at = session.from + interimTicks; at < end; at += interimTicks)
    said.push({ ...session, status: 'interim', at });
  if (stops) said.push({ ...session, status: 'stop', at: end });
  return said;
}
