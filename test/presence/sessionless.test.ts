import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minute, morning, PresenceWorld, rulesOf, type Report } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

const redis = useRedis();
const idle = 15;

/** What a source without sessions says of one phone; minutes. */
type Sighting = { readonly kind: 'associated' | 'active' | 'left'; readonly at: number; readonly space?: string };

const spacesOf = (settle = 0) => ['hq', 'annex'].map((id) => rulesOf({ id, settle: settle * minute }));

/** Each sighting comes when it happens, or later, where `now` says so; then everything has its time to end. */
async function play(sightings: readonly (Sighting & { readonly now?: number })[], settle = 0) {
  const world = await new PresenceWorld(redis.client, spacesOf(settle)).start();
  for (const { now, ...sighting } of sightings) {
    await world.wait(now ?? sighting.at, 5);
    await world.observe(sighting);
  }
  await world.wait(300, 20);
  return { hq: await world.visits('mia', 'hq'), annex: await world.visits('mia', 'annex') };
}

describe('what is seen without an accounting session', () => {
  test('that somebody left checks nobody out before the idle timeout, and counts as no activity', async () => {
    const world = await new PresenceWorld(redis.client).start();
    await world.observe({ at: 0, kind: 'associated' });
    await world.wait(5);
    await world.observe({ at: 5, kind: 'left' });
    await world.wait(idle - 1);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.wait(idle + 1);
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('each further sighting extends the visit', async () => {
    expect(await play([0, 10, 20, 30].map((at) => ({ kind: 'active', at })))).toMatchObject({ hq: ['idle 0-30'] });
  });

  test('who comes back after having been idle has come again: no session shows that they never left', async () => {
    const again = await play([
      { kind: 'associated', at: 0 },
      { kind: 'associated', at: idle + 1 },
    ]);
    expect(again.hq).toEqual(['idle 0-0', `idle ${idle + 1}-${idle + 1}`]);
  });

  test('a walk-by is none, whether its departure is told after its arrival or before', async () => {
    const [arrival, departure] = [{ kind: 'associated', at: 0 } as const, { kind: 'left', at: 1 } as const];
    expect(await play([arrival, departure], 3)).toMatchObject({ hq: [] });
    expect(
      await play(
        [
          { ...departure, now: 2 },
          { ...arrival, now: 2 },
        ],
        3,
      ),
    ).toMatchObject({ hq: [] });
    expect(await play([arrival], 3)).toMatchObject({ hq: ['idle 0-0'] });
  });

  test('who goes to another space and comes back is where they were seen last, each time', async () => {
    const there = { kind: 'active', space: 'annex' } as const;
    const story = await play([
      { kind: 'active', at: 0 },
      { ...there, at: 5 },
      { kind: 'active', at: 10 },
      { kind: 'active', at: 12 },
      { ...there, at: 100 },
    ]);
    expect(story).toEqual({ hq: ['transfer 0-0', 'idle 10-12'], annex: ['transfer 5-5', 'idle 100-100'] });
  });

  test.each(['sightings', 'sessions'])('who goes to and fro all day was there each time: %s', async (what) => {
    const world = await new PresenceWorld(redis.client, spacesOf()).start();
    const moves = 80;
    for (let move = 0; move < moves; move += 1) {
      const at = move * 5;
      const how = what === 'sessions' ? { session: `s${move}`, status: 'start' as const } : { kind: 'active' as const };
      await world.wait(at, 5);
      await world.observe({ at, space: move % 2 === 0 ? 'hq' : 'annex', ...how });
    }
    await world.wait(moves * 5 + 60);
    const told = (await world.transitions()).filter((transition) => transition.type === 'visit');
    const ended = told.filter(({ state }) => state === 'closed').map(({ arrivedAt }) => (arrivedAt - morning) / minute);
    expect(told.filter(({ state }) => state === 'void')).toEqual([]);
    expect(ended.toSorted((a, b) => a - b)).toEqual(Array.from({ length: moves }, (_, move) => move * 5));
  });

  test('a session in one space and sightings in another are in the one that was seen last', async () => {
    const world = await new PresenceWorld(redis.client, spacesOf()).start();
    const reports: Report[] = [
      { at: 0, kind: 'active', space: 'annex' },
      { at: 5, session: 's1', status: 'start' },
      { at: 8, session: 's1', octets: 10 },
      { at: 20, kind: 'active', space: 'annex' },
      { at: 24, kind: 'active', space: 'annex' },
    ];
    for (const report of reports) {
      await world.wait(report.at);
      await world.observe(report);
    }
    await world.wait(100);
    expect(await world.visits()).toEqual(['transfer 5-8']);
    expect(await world.visits('mia', 'annex')).toEqual(['transfer 0-0', 'idle 20-24']);
  });
});

/** The same in the plainest words: where each sighting reaches to, and which hold together. */
function expected(sightings: readonly Sighting[], space: string): string[] {
  const active = sightings.filter(({ kind }) => kind !== 'left');
  const here = [...new Set(active.filter((one) => one.space === space).map(({ at }) => at))].toSorted((a, b) => a - b);
  const elsewhere = active.filter((one) => one.space !== space).map(({ at }) => at);
  const visits: { since: number; last: number; reach: number }[] = [];
  for (const at of here) {
    const away = Math.min(...elsewhere.filter((other) => other > at));
    const reach = Math.min(at + idle, away - 1 / minute);
    const visit = visits.at(-1);
    if (visit === undefined || at > visit.reach) visits.push({ since: at, last: at, reach });
    else Object.assign(visit, { last: at, reach });
  }
  return visits.map(({ since, last }) => `${since}-${last}`);
}

/** Why a visit ended is what was known when it did; that it ended is a function of the evidence. */
async function times(...story: Parameters<typeof play>): Promise<Record<string, string[]>> {
  const { hq, annex } = await play(...story);
  const withoutReason = (visits: readonly string[]) => visits.map((visit) => visit.slice(visit.indexOf(' ') + 1));
  return { hq: withoutReason(hq), annex: withoutReason(annex) };
}

test('any order and repetition of sightings in two spaces ends in the same visits, which are those expected', async () => {
  const sighting = fc.record({
    kind: fc.constantFrom('associated', 'active', 'left'),
    at: fc.integer({ min: 0, max: 60 }),
    space: fc.constantFrom('hq', 'annex'),
  });
  const told = fc.array(sighting, { minLength: 1, maxLength: 8 });
  const order = fc.array(fc.nat(), { minLength: 16, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(told, order, fc.constantFrom(0, 0, 3), async (sightings, keys, settle) => {
      const inTime = sightings.toSorted((a, b) => a.at - b.at);
      const repeated = [...sightings, ...sightings];
      const shuffled = [...repeated.keys()]
        .toSorted((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))
        .map((index) => Object.assign({ now: 61 }, repeated[index]));
      const first = await times(inTime, settle);
      expect(await times(shuffled, settle)).toEqual(first);
      if (settle > 0) return;
      expect(first).toEqual({ hq: expected(sightings, 'hq'), annex: expected(sightings, 'annex') });
    }),
    { numRuns: 25, seed: 20_261_128 },
  );
});
