import { createFaults, createWeather, calm, type Fault, type FaultKind, type Weather } from './faults.ts';
import { Random } from '../support/random.ts';
import { reportAll, type Report } from './radio.ts';
import { mostPeople, personId } from './servers.ts';
import { createPerson, type Association, type Person } from './truth.ts';
import { createVenue, minute, second, type Venue } from './venue.ts';

/** One report on its way; times are milliseconds after the beginning of the day. */
export type Transmission = { readonly report: Report; readonly arrives: number };

/** All that a seed stands for. */
export type Scenario = {
  readonly seed: number;
  readonly venue: Venue;
  readonly people: readonly Person[];
  readonly faults: readonly Fault[];
  readonly weather: Weather;
  readonly transmissions: readonly Transmission[];
  /** How late a due departure may be found, and how far the ledger may lag behind, milliseconds. */
  readonly lookEvery: number;
  readonly recordEvery: number;
};

export type ScenarioOptions = {
  readonly faults?: readonly FaultKind[];
  readonly weather?: boolean;
  /** More of everything: half as many seeds in the same time. */
  readonly isAmple?: boolean;
};

const mostObservations = 300;

export function createScenario(seed: number, options: ScenarioOptions = {}): Scenario {
  const random = new Random(seed);
  const hasWrongClocks = options.weather !== false && random.chance(0.15);
  const venue = createVenue(random.fork(), hasWrongClocks);
  const faults = createFaults(random.fork(), venue, options.faults);
  const weather = options.weather === false ? calm : createWeather(random.fork());
  const budgets = (): number[] => [12, 25, 25, 50, 50, 90, ...(random.chance(0.25) ? [mostObservations] : [])];
  const budget = random.pick(options.isAmple === true ? [40, 80, 80, 120, 120, 200, mostObservations] : budgets());
  const people: Person[] = [];
  const transmissions: Transmission[] = [];
  const each = random.fork();
  const session = sessionNumbers(faults);
  while (people.length < mostPeople) {
    const person = createPerson(each, venue, personId(people.length));
    const associations = person.associations.flatMap((association) => cutByReboots(each, association, faults));
    const sent = reportAll({ ...person, associations }, session).flatMap((report) =>
      send(each, report, weather, faults),
    );
    if (transmissions.length + sent.length > budget) {
      if (people.length > 0) break;
      continue;
    }
    people.push({ ...person, associations });
    transmissions.push(...sent);
  }
  return {
    seed,
    venue,
    people,
    faults,
    weather,
    transmissions: transmissions.toSorted((a, b) => a.arrives - b.arrives),
    lookEvery: random.pick([10 * second, minute, (options.isAmple === true ? 3 : 5) * minute]),
    recordEvery: random.pick([0, 2 * minute, 10 * minute, 40 * minute]),
  };
}

/** An access point that restarts may count its sessions from the beginning again. */
function sessionNumbers(faults: readonly Fault[]): (accessPoint: string, from: number) => number {
  const next = new Map<string, number>();
  return (accessPoint, from) => {
    const restarts = faults.filter(
      (one) => one.type === 'reboot' && one.accessPoint === accessPoint && one.from <= from,
    );
    const life = `${accessPoint} ${restarts.length}`;
    const number = (next.get(life) ?? 0) + 1;
    next.set(life, number);
    return number;
  };
}

/** Whoever is joined when the access point restarts joins anew, and the session has no end. */
function cutByReboots(random: Random, association: Association, faults: readonly Fault[]): Association[] {
  const { accessPoint, from, to, traffic } = association;
  // Until it has said goodbye, or is found to be gone, the access point takes it for joined.
  const end = association.saysGoodbye ? to : to + accessPoint.inactivity;
  const reboot = faults.find(
    (one) => one.type === 'reboot' && one.accessPoint === accessPoint.name && from <= one.from && one.from <= end,
  );
  if (reboot === undefined) return [association];
  const back = reboot.from + random.between(20, 90) * second;
  const before = { ...association, to: Math.min(to, reboot.from), isCut: true };
  if (back >= to) return [before];
  const since = traffic.flatMap(([a, b]): [number, number][] => (b > back ? [[Math.max(a, back), b]] : []));
  return [before, ...cutByReboots(random, { ...association, from: back, traffic: since }, faults)];
}

function send(random: Random, report: Report, weather: Weather, faults: readonly Fault[]): Transmission[] {
  if (random.chance(weather.lost)) return [];
  const delay = random.chance(weather.delayed)
    ? random.pick([10 * second, minute, 20 * minute, 90 * minute]) * random.next()
    : 0;
  const arrives = report.at + Math.round(delay);
  const sent = [{ report, arrives }];
  while (random.chance(weather.repeated) && sent.length < 4) {
    sent.push({ report, arrives: arrives + random.pick([5 * second, minute, 30 * minute]) * random.between(1, 3) });
  }
  return sent.flatMap((one) => throughOutage(random, one, faults));
}

/** What is sent during an outage comes afterwards, from access points that do not give up before. */
function throughOutage(random: Random, sent: Transmission, faults: readonly Fault[]): Transmission[] {
  const { accessPoint } = sent.report;
  const outage = faults.find(
    (one) =>
      one.type === 'outage' &&
      one.accessPoint === accessPoint.name &&
      one.from <= sent.arrives &&
      sent.arrives < one.to,
  );
  if (outage?.type !== 'outage') return [sent];
  if (outage.to - sent.arrives > accessPoint.attempts * 10 * second) return [];
  return throughOutage(random, { ...sent, arrives: outage.to + random.between(0, 30) * second }, faults);
}
