import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { readPresence } from '../../src/presence/state.ts';
import { brokenInvariants } from '../sim/invariants.ts';
import { readLedger } from '../sim/ledger.ts';
import { Crowd, tickMs, type CrowdReport } from '../support/crowd.ts';
import { useDatabases } from '../support/databases.ts';
import { House } from '../support/house.ts';
import { minute, morning, rulesOf } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

/** A week in a day: seven days of three hours, and three hours more, which is how long late evidence counts here. */
const days = 7;
const dayMinutes = 180;
const late = dayMinutes * minute;
const noon = 86;
const siesta = 120;
const night = 178;
const idle = 15 * minute;
/** Within this, the access point of whoever has left is heard again; until then it might be blind. */
const grace = 3 * minute;
const recordedEveryTicks = (10 * minute) / tickMs;
const megabyte = 1 << 20;

const databases = useDatabases('sqlite');
const redis = useRedis();

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The house, what has come in, and what must follow from that. */
class Soak {
  readonly house: House;
  readonly crowd: Crowd;
  readonly people: readonly string[];
  readonly #activeAt: Float64Array;
  /** What is still to come of the day, tick by tick. */
  #reports: CrowdReport[][] = [];

  constructor(house: House, crowd: Crowd) {
    this.house = house;
    this.crowd = crowd;
    this.people = Array.from({ length: crowd.options.people }, (_, person) => `p${person}`);
    this.#activeAt = new Float64Array(crowd.options.people).fill(-Infinity);
  }

  /** Time passes up to this minute of the day, and its reports come in. */
  async goTo(day: number, minuteOfDay: number): Promise<void> {
    const dayTicks = this.crowd.options.dayTicks;
    if (this.#reports.length === 0) this.#reports = this.crowd.reportsOf(day);
    const from = dayTicks - this.#reports.length;
    for (let tick = from; tick <= (minuteOfDay * minute) / tickMs && tick < dayTicks; tick += 1) {
      await this.house.passTo(day * dayMinutes + (tick * tickMs) / minute);
      await Promise.all((this.#reports.shift() ?? []).map(async (one) => await this.#report(one)));
      if (tick % recordedEveryTicks === 0) await this.house.recorded();
    }
  }

  async #report({ person, accessPoint, session, status, from, at, activeAt }: CrowdReport): Promise<void> {
    const result = await this.house.report({
      who: this.people[person] as string,
      nas: `ap-${accessPoint}`,
      session,
      status,
      at: (at * tickMs) / minute,
      ...(status !== 'start' && { octets: 1 + activeAt - from, lastedMin: ((at - from) * tickMs) / minute }),
    });
    if (result !== 'recorded') throw new Error(`a report of ${this.people[person]} was answered ${result}`);
    this.#activeAt[person] = Math.max(this.#activeAt[person] as number, morning + activeAt * tickMs);
  }

  /** What Redis, the ledger, and all that has come in disagree about now; `expected` is who must be in, where that is known. */
  async disagreements(expected?: readonly string[]): Promise<string[]> {
    const { house, people } = this;
    await house.look();
    await house.recorded();
    const { presence, due } = house.store.keys;
    const tracked = await house.redis.hkeys(presence);
    const { read } = house.db;
    const visits = await read.selectFrom('visits').selectAll().where('departed_at', 'is', null).execute();
    const checkIns = await read.selectFrom('check_ins').selectAll().where('state', '=', 'open').execute();
    const ids = visits.map(({ id }) => id);
    const isIn = new Set(visits.map(({ customer_id }) => customer_id));
    const wrong = people.filter((id, person) => {
      const silence = house.now - (this.#activeAt[person] as number);
      return isIn.has(id) ? silence > idle + grace : silence <= idle;
    });
    return [
      ...differing('tracked and due', tracked, await house.redis.zrange(due, '0', '-1')),
      ...differing('open in Redis and in the ledger', await this.#openVisits(), ids),
      ...differing(
        'open visits and check-ins',
        ids,
        checkIns.map(({ visit_id }) => String(visit_id)),
      ),
      ...differing('wrongly in or out', wrong, []),
      ...(expected === undefined ? [] : differing('in, and truly there', [...isIn], expected)),
    ];
  }

  async #openVisits(): Promise<string[]> {
    const { house, people } = this;
    const open: string[] = [];
    for (let first = 0; first < people.length; first += 1_000) {
      const some = people.slice(first, first + 1_000);
      const states = await readPresence([house.store], rulesOf(), { lateWindow: late, now: house.now }, some);
      for (const { id, isOpen } of states.flatMap((state) => state?.visits ?? [])) if (isOpen) open.push(id);
    }
    return open;
  }

  whoCameOn(day: number): string[] {
    return this.people.filter((_, person) => !Number.isNaN(this.crowd.since[this.crowd.place(person, day)]));
  }

  /** Every check-in of the ledger, as `person since-until`. */
  async told(): Promise<string[]> {
    const rows = await this.house.db.read.selectFrom('check_ins').selectAll().execute();
    return rows.map(({ customer_id, started_at, ended_at }) => {
      return `${customer_id} ${started_at - morning}-${(ended_at ?? Infinity) - morning}`;
    });
  }

  /** The same, of every visit as it was. */
  truth(): string[] {
    const { since, until } = this.crowd;
    return this.people.flatMap((id, person) => {
      const places = new Set(Array.from({ length: days }, (_, day) => this.crowd.place(person, day)));
      const visits = [...places].filter((place) => !Number.isNaN(since[place]));
      return visits.map((place) => `${id} ${(since[place] as number) * tickMs}-${(until[place] as number) * tickMs}`);
    });
  }
}

/** Megabytes, with nothing left that could be given back. */
async function memory({ house }: Soak) {
  house.events.length = 0;
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  const redis = Number(/used_memory:(\d+)/u.exec(await house.redis.info('memory'))?.[1]);
  return { heap: heapUsed / megabyte, process: rss / megabyte, redis: redis / megabyte };
}

/** What is in one of them only, as far as somebody would read it. */
function differing(what: string, some: readonly string[], others: readonly string[]): string[] {
  const [left, right] = [new Set(some), new Set(others)];
  const only = [...some.filter((one) => !right.has(one)), ...others.filter((one) => !left.has(one))];
  const isEqual = only.length === 0 && some.length === others.length;
  return isEqual ? [] : [`${what}: ${some.length} and ${others.length}, as ${only.slice(0, 5).join(', ')}`];
}

test('T34: a week of 10,000 phones, in 24 hours of virtual time, is told as it was and leaves nothing behind', async () => {
  await using house = await House.open(await databases.open(), redis.url, { late });
  const options = { people: 10_000, residents: 100, accessPoints: 20, turnout: 0.4, seed: 34 };
  const soak = new Soak(house, new Crowd({ ...options, days, dayTicks: (dayMinutes * minute) / tickMs }));
  await house.customers(soak.people);
  const residents = soak.people.slice(0, options.residents);
  const before = await memory(soak);
  const nights: (typeof before)[] = [];
  for (let day = 0; day < days; day += 1) {
    await soak.goTo(day, noon);
    expect(await soak.disagreements(soak.whoCameOn(day))).toEqual([]);
    await soak.goTo(day, siesta);
    expect(await soak.disagreements()).toEqual([]);
    await soak.goTo(day, night);
    expect(await soak.disagreements(residents)).toEqual([]);
    await soak.goTo(day, dayMinutes);
    nights.push(await memory(soak));
  }
  const [middle, last] = [nights[3], nights[6]] as [typeof before, typeof before];
  expect(last.heap - middle.heap, 'growth of the heap').toBeLessThan(1);
  expect(last.process / middle.process, 'growth of the process').toBeLessThan(1.15);
  expect(last.redis / middle.redis, 'growth of Redis').toBeLessThan(1.05);

  await house.passTo((days + 1) * dayMinutes);
  expect(await soak.disagreements([])).toEqual([]);
  const { presence, due, refused } = house.store.keys;
  expect(await house.redis.exists(presence, due, refused)).toBe(0);
  expect((await memory(soak)).redis - before.redis, 'what is left in Redis').toBeLessThan(1);

  expect(differing('told and true', await soak.told(), soak.truth())).toEqual([]);
  const ledger = await readLedger(house.db);
  expect(brokenInvariants(ledger)).toEqual([]);
  const types = new Set(ledger.events.map(({ type }) => type));
  expect([...types].toSorted()).toEqual([
    'checkin.corrected',
    'checkin.recorded',
    'checkout.recorded',
    'presence.arrived',
    'presence.departed',
  ]);
}, 240_000);
