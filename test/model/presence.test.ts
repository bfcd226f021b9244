import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { minute, morning, PresenceWorld, rulesOf, type Report } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';
import { nobody, step, type ModelInput, type ModelReport, type ModelState } from './presence-model.ts';

const redis = useRedis();

// The quick run draws the same histories each time, so that a change is judged by itself; the long one draws others.
const draws =
  process.env['ROLLCALL_TEST_ALL'] === '1'
    ? { numRuns: 1_500, interruptAfterTimeLimit: 570_000, markInterruptAsFailure: true }
    : { numRuns: 150, seed: 20_261_124, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true };

/** One accounting session as it really was: when it began, its reports, and what each had to tell. */
const session = fc.record({
  device: fc.constantFrom('phone', 'tablet'),
  start: fc.integer({ min: 0, max: 240 }),
  startIsSeen: fc.boolean(),
  counts: fc.boolean(),
  reports: fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 45 }),
      grows: fc.boolean(),
      delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 })),
      copies: fc.integer({ min: 1, max: 2 }),
      isLost: fc.boolean(),
    }),
    { maxLength: 12 },
  ),
  stops: fc.boolean(),
});

type Session = typeof session extends fc.Arbitrary<infer S> ? S : never;

/** Histories that were told differently once. */
const kept: [Session[], { idleTimeout: number; settle: number; rejoin: number }][] = [
  // Two sessions are seen for the second and the first time in one minute: the one that began earlier has lasted long enough.
  [
    [
      {
        device: 'phone',
        start: 65,
        startIsSeen: false,
        counts: false,
        reports: [reportAfter(42), reportAfter(40)],
        stops: false,
      },
      { device: 'phone', start: 106, startIsSeen: false, counts: false, reports: [reportAfter(41)], stops: false },
      {
        device: 'phone',
        start: 63,
        startIsSeen: false,
        counts: false,
        reports: [{ ...reportAfter(44), delay: 40 }],
        stops: true,
      },
    ],
    { idleTimeout: 15 * minute, settle: 3 * minute, rejoin: 20 * minute },
  ],
];

function reportAfter(after: number) {
  return { after, grows: false, delay: 0, copies: 1, isLost: false };
}

type Sent = { readonly report: Report; readonly arrives: number };

function sendAll(sessions: readonly Session[]): Sent[] {
  const sent: Sent[] = [];
  for (const [number, { device, start, startIsSeen, counts, reports, stops }] of sessions.entries()) {
    const common = { device, session: `s${number}` };
    if (startIsSeen) sent.push({ report: { ...common, status: 'start', at: start }, arrives: start });
    let at = start;
    let octets = 0;
    for (const [index, { after, grows, delay, copies, isLost }] of reports.entries()) {
      at += after;
      if (grows) octets += 100;
      const status = stops && index === reports.length - 1 ? 'stop' : 'interim';
      if (isLost) continue;
      const report = { ...common, status, at, lastedMin: at - start, ...(counts && { octets }) } as const;
      for (let copy = 0; copy < copies; copy += 1) sent.push({ report, arrives: at + delay * (copy + 1) });
    }
  }
  return sent.toSorted((a, b) => a.arrives - b.arrives);
}

function toModel({ device = '', session: name = '', status = 'interim', at, lastedMin, octets }: Report): ModelInput {
  const time = morning + at * minute;
  const report: ModelReport = {
    device,
    session: name,
    status,
    at: time,
    from: time - (lastedMin ?? 0) * minute,
    octets,
  };
  return { type: 'report', report };
}

const rules = fc.record({
  idleTimeout: fc.constantFrom(5 * minute, 15 * minute),
  settle: fc.constantFrom(0, 0, 3 * minute),
  rejoin: fc.constantFrom(0, 20 * minute, 60 * minute),
});

async function expectTheSame(world: PresenceWorld, model: ModelState): Promise<void> {
  const visits = (await world.state())?.visits ?? [];
  const told = visits.map(({ since, lastActivityAt, isOpen }) => ({ since, last: lastActivityAt, isOpen }));
  expect(told).toEqual(model.visits);
}

test('after every step of a random history, the scripts say what the model says', async () => {
  expect.hasAssertions();
  await fc.assert(
    fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: 5 }), rules, async (sessions, timing) => {
      const space = rulesOf(timing);
      const plain = { idle: space.idleTimeout, settle: space.settle, rejoin: space.rejoin, maxBlind: space.maxBlind };
      const world = await new PresenceWorld(redis.client, [space]).start();
      let model = nobody;
      const look = async (at: number): Promise<void> => {
        await world.go(at);
        await world.expire();
        model = step(model, { type: 'look' }, world.now, plain);
        await expectTheSame(world, model);
      };
      let now = 0;
      for (const { report, arrives } of sendAll(sessions)) {
        while (now + 7 < arrives) await look((now += 7));
        now = Math.max(now, arrives);
        await world.go(now);
        await world.observe(report);
        model = step(model, toModel(report), world.now, plain);
        await expectTheSame(world, model);
      }
      await look(now + 20);
      await look(now + 200);
    }),
    { ...draws, examples: kept },
  );
}, 600_000);

test('any order, repetition and delay of the same reports ends in the same visits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(session, { minLength: 1, maxLength: 5 }),
      rules,
      fc.infiniteStream(fc.nat()),
      async (sessions, timing, random) => {
        const sent = sendAll(sessions);
        const keys = sent.map(() => random.next().value);
        const shuffled = [...sent.keys()]
          .toSorted((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))
          .map((index) => sent[index] as Sent);
        const ends: string[][] = [];
        for (const order of [sent, shuffled]) {
          const world = await new PresenceWorld(redis.client, [rulesOf(timing)]).start();
          await world.go(900);
          for (const [index, { report }] of order.entries()) {
            await world.observe(report);
            if (index % 4 === 0) await world.expire();
          }
          await world.wait(1_000, 100);
          ends.push(await world.visits());
        }
        expect(ends[1]).toEqual(ends[0]);
      },
    ),
    draws,
  );
}, 600_000);
