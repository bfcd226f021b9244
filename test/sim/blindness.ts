import { aheadAt } from './days.ts';
import type { Delivered, Played } from './played.ts';
import type { Scenario } from './scenario.ts';
import type { Interval } from './truth.ts';
import { hour, minute, second, type AccessPoint } from './venue.ts';

/** When nothing could be seen, as far as that is certain, and as far as it is possible; of one access point or of all. */
export type Blindness = {
  /** When presence was put back, from when the ledger had known all. */
  readonly putBack: readonly Interval[];
  /** When something came from an access point next. */
  heardAfter(accessPoint: AccessPoint, at: number): number;
  /** When we saw nothing. */
  readonly ours: readonly Interval[];
  certain(accessPoint: AccessPoint): readonly Interval[];
  /** Whether the access point restarted between these, by what its clock said. */
  restarted(accessPoint: AccessPoint, from: number, to: number): boolean;
  /** The same, and silences of it that are certain to be missed. */
  missed(accessPoint: AccessPoint): readonly Interval[];
  possible(accessPoint: AccessPoint): readonly Interval[];
  /** The longest silence, milliseconds, for which a session at this access point may be taken to go on. */
  patience(accessPoint: AccessPoint): number;
  /** Whether its silence may be told from that of a station, so that nobody is due before it was heard again. */
  mayBeMissed(accessPoint: AccessPoint): boolean;
  /** Whether it may be taken for one that sends no interims. */
  mayBeEndless(accessPoint: AccessPoint): boolean;
};

const fewestStations = 3;

export function findBlindness(
  { faults, venue, lookEvery }: Scenario,
  { delivered, forgotten, losses, setBacks }: Played,
): Blindness {
  const day = (at: number): number => at + aheadAt(faults, at);
  const ours: Interval[] = [];
  const steps: Interval[] = [];
  for (const fault of faults) {
    if (fault.type === 'down') ours.push([day(fault.from), day(fault.to)]);
    if (fault.type === 'clockSteps' && fault.jump > 0) {
      steps.push([day(fault.from) - fault.jump, day(fault.from)]);
    }
  }
  ours.push(...steps);
  // A process that has just begun knows of no stations.
  const restarts = faults.flatMap(({ type, from }): Interval[] =>
    type.startsWith('dies') || type === 'commitUnanswered' ? [[day(from), day(from) + 2 * hour]] : [],
  );
  // What these have of a silence of an access point is not known.
  const unclear = [
    ...ours.map(([from, to]): Interval => [from, to + hour]),
    ...restarts,
    ...steps,
    ...losses.map(({ at }): Interval => [at, at]),
    ...setBacks,
  ];
  const idle = venue.spaces[0]?.idleTimeout ?? 0;
  const byName = Map.groupBy(delivered, ({ report }) => report.accessPoint.name);
  const known = new Map(
    venue.accessPoints.map((one) => {
      const heard = byName.get(one.name) ?? [];
      const resets = faults
        .filter((fault) => fault.type === 'reboot' && fault.accessPoint === one.name)
        .map(({ from }): Interval => {
          // By the clock of the access point, and no later than it was heard.
          const at = day(from) + Math.min(4 * second, 2 * second + one.clockError);
          return [at, at];
        });
      const learned = forgotten.filter(({ report }) => report.accessPoint.name === one.name);
      const pauses = pausesOf([...heard, ...learned].toSorted((a, b) => a.arrived - b.arrived));
      const longest = Math.max(0, ...pauses.map(({ pause }) => pause));
      const patience = Math.max(idle, 2.2 * longest, one.isSet ? 2.2 * (one.cadence ?? 0) : 0);
      const mayBeEndless = pauses.some(({ pause, isStop }) => isStop && pause > idle);
      const silences = silencesOf(heard, 2.2 * Math.min(...pauses.map(({ pause }) => pause), one.cadence ?? Infinity));
      const missed = (resets.length === 0 ? missedSilences(one, heard, lookEvery) : []).filter(
        ([from, to]) => !unclear.some(([a, b]) => a <= to && from <= b),
      );
      const mayBeMissed = new Set(heard.map(({ report }) => report.session)).size >= fewestStations;
      return [one.name, { resets, patience, mayBeEndless, mayBeMissed, silences, missed }] as const;
    }),
  );
  const of = ({ name }: AccessPoint) => known.get(name) as NonNullable<ReturnType<typeof known.get>>;
  const others: Interval[] = [
    ...faults.flatMap(({ from, type }): Interval[] =>
      type === 'diesUnanswered' ? [[day(from), day(from) + 3 * minute]] : [],
    ),
    // What Redis forgot is a gap; who was due shortly before it may have been told to stay.
    ...setBacks.flatMap(([from, to]): Interval[] => [
      [from - 10 * minute, to + minute],
      [from, to + minute],
    ]),
  ];
  // What was due, and had not reached the ledger, is not due any more.
  const putBack = losses.map(({ at, knownUntil }): Interval => [knownUntil, at + minute]);
  const behind = 2 * lookEvery + 15 * minute;
  return {
    ours: [...ours, ...setBacks.map(([from, to]): Interval => [from - behind, to + minute])],
    putBack,
    heardAfter: (one, at) =>
      Math.min(Infinity, ...(byName.get(one.name) ?? []).flatMap(({ arrived }) => (arrived > at ? [arrived] : []))),
    restarted: (one, from, to) => of(one).resets.some(([at]) => from < at && at <= to),
    certain: (one) => [...ours, ...of(one).resets].toSorted(byBeginning),
    missed: (one) => [...ours, ...of(one).resets, ...of(one).missed].toSorted(byBeginning),
    possible: (one) => [...ours, ...of(one).resets, ...of(one).silences, ...others].toSorted(byBeginning),
    patience: (one) => of(one).patience,
    mayBeMissed: (one) => of(one).mayBeMissed,
    mayBeEndless: (one) => of(one).mayBeEndless,
  };
}

function byBeginning([a]: Interval, [b]: Interval): number {
  return a - b;
}

/** Pauses between two reports of one session. */
function pausesOf(delivered: readonly Delivered[]): { readonly pause: number; readonly isStop: boolean }[] {
  const sessions = Map.groupBy(delivered, ({ report }) => report.session);
  return [...sessions.values()].flatMap((session) => {
    let newest = Infinity;
    // As they came: one that is late leaves a longer pause behind.
    return session.flatMap(({ at, report }) => {
      const pause = at - newest;
      newest = newest === Infinity ? at : Math.max(newest, at);
      return pause > 0 ? [{ pause, isStop: report.status === 'stop' }] : [];
    });
  });
}

/** When nothing came from an access point that may be missed. */
function silencesOf(heard: readonly Delivered[], longerThan: number): Interval[] {
  const sessions = new Set(heard.map(({ report }) => report.session));
  if (sessions.size < fewestStations) return [];
  const times = heard.map(({ arrived }) => arrived).toSorted((a, b) => a - b);
  return [...times.entries()].flatMap(([index, at]): Interval[] => {
    const next = times[index + 1] ?? Infinity;
    return next - at > longerThan ? [[at, next]] : [];
  });
}

/** Silences that are told from those of a station: of an access point whose cadence we were told, and which enough stations used. */
function missedSilences({ isSet, cadence }: AccessPoint, heard: readonly Delivered[], lookEvery: number): Interval[] {
  if (!isSet || cadence === undefined) return [];
  const inOrder = heard.toSorted((a, b) => a.arrived - b.arrived);
  return inOrder.flatMap(({ arrived: from }, index): Interval[] => {
    const next = inOrder[index + 1]?.arrived ?? Infinity;
    if (next - from <= 2.2 * cadence + 3 * minute) return [];
    const latest = new Map(inOrder.slice(0, index + 1).map((one) => [one.report.session, one]));
    const active = [...latest.values()].filter(
      ({ arrived, report }) => report.status !== 'stop' && arrived > from - cadence,
    );
    // That it was heard is told within a minute, and a look.
    return active.length > fewestStations ? [[from + minute + lookEvery, next]] : [];
  });
}
