import { findBlindness } from './blindness.ts';
import { reusedSessions, signsOf, type Sign } from './evidence.ts';
import { Judge } from './judge.ts';
import type { Days } from './days.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Delivered, Played } from './played.ts';
import type { Scenario } from './scenario.ts';
import { minute } from './venue.ts';

/**
 * The ledger compared with the truth. Tolerances:
 * - a check-in starts at the first sign that was heard, or where a session says that it began, not before the check-in before it;
 *   it ends at the last sign: a sign is at most one reporting cadence after the traffic that it shows
 * - two signs of which one follows within the idle timeout, or within `rejoin` in one session, are in one check-in
 * - two signs that nothing holds together are in two
 * - nobody is checked out while one of these holds at that moment, nor later than a look after nothing does any more
 * - when Redis is lost, who was in stays in for an idle timeout; what had not reached the ledger may be lost, and sessions are known anew
 * - people of whom a report crossed a step of the clock forward, who left before they came because it was set back, or who use several
 *   spaces when Redis is lost, are not compared
 * - times that the clock on the wall showed more than once are read as whatever makes sense of all of a person's; on a day on which it was
 *   set back and Redis lost something, nothing is compared
 * - a session that has the id of one before the access point restarted, and whose Start was lost, may begin with its first report
 */
export function compare(scenario: Scenario, played: Played, ledger: Ledger): string[] {
  const { delivered, days, losses } = played;
  const blindness = findBlindness(scenario, played);
  const broken: string[] = [];
  for (const person of scenario.people) {
    const theirs = delivered.filter(({ report }) => report.person === person.id);
    if (theirs.some(({ crossesStep }) => crossesStep)) continue;
    if (losses.length > 0 && new Set(theirs.map(({ report }) => report.accessPoint.spaceId)).size > 1) continue;
    if (days.hasGoneBack && isCutShort(ledger, person.id)) continue;
    for (const space of scenario.venue.spaces) {
      const here = theirs.filter(({ report }) => report.accessPoint.spaceId === space.id);
      const elsewhere = signsOf(
        theirs.filter(({ report }) => report.accessPoint.spaceId !== space.id),
        losses,
      );
      const judge = new Judge(space, blindness, elsewhere, losses, scenario.lookEvery, reusedSessions(here));
      const known = judge.signsOf(here);
      const entries = ledger.entries.filter(
        (one) => one.person === person.id && one.spaceId === space.id && isReal(one),
      );
      const say = (what: string): void => void broken.push(`${person.id} in ${space.id}: ${what}`);
      const clamped = new Set(here.filter(({ report }) => report.accessPoint.clockError > 0).map(({ at }) => at));
      const begun = new Set(here.flatMap(({ at, report }) => [at, at - report.lasted]));
      const wrongs = (days.hasGoneBack ? readings : readings.slice(0, 1)).map((reading) => {
        const theirDay = entries.map((entry) => onTheirDay(entry, days, known, here, reading)).toSorted(inOrder);
        return wrongWithEntries(judge, known, theirDay, { here, clamped, begun });
      });
      if (wrongs.every((wrong) => wrong.length > 0)) wrongs[0]?.forEach(say);
      compareCheckOuts(judge, here, ledger, days, person.id, say);
      compareLosses(judge, ledger, person.id, say);
    }
  }
  return broken;
}

/** Whether somebody left before they came, by the clock on the wall; the ledger then says that they left when they came. */
function isCutShort({ events }: Ledger, person: string): boolean {
  return events.some(
    ({ person: who, data }) => who === person && data.startedAt !== undefined && data.startedAt === data.endedAt,
  );
}

/** Whether of the moments that a time of day may be, the first or the last one is meant, if something is known of it. */
type Reading = { readonly start: 'first' | 'last'; readonly end: 'first' | 'last' };

const readings: readonly Reading[] = [
  { start: 'first', end: 'last' },
  { start: 'last', end: 'last' },
  { start: 'first', end: 'first' },
  { start: 'last', end: 'first' },
];

/** With times of presence in the place of those of the clock on the wall. */
function onTheirDay(
  entry: Entry,
  days: Days,
  signs: readonly Sign[],
  here: readonly Delivered[],
  { start, end }: Reading,
): Entry {
  const known = new Set(signs.flatMap(({ at, beganAt }) => [at, beganAt ?? at]));
  const reported = new Set(here.map(({ at }) => at));
  const startedAt = days.moment(entry.startedAt, [known], start);
  if (entry.endedAt === null) return { ...entry, startedAt };
  return { ...entry, startedAt, endedAt: days.moment(entry.endedAt, [known, reported], end, startedAt) };
}

function inOrder(a: Entry, b: Entry): number {
  return a.startedAt - b.startedAt || (a.endedAt ?? Infinity) - (b.endedAt ?? Infinity);
}

function isReal({ state }: Entry): boolean {
  return state === 'open' || state === 'closed';
}

type Say = (what: string) => void;

type Known = {
  readonly here: readonly Delivered[];
  /** When something is said to have happened by a clock that runs ahead, so that repetitions have other times. */
  readonly clamped: ReadonlySet<number>;
  /** When sessions began, by any of their reports. */
  readonly begun: ReadonlySet<number>;
};

function wrongWithEntries(
  judge: Judge,
  signs: readonly Sign[],
  entries: readonly Entry[],
  { here, clamped, begun }: Known,
): string[] {
  const broken: string[] = [];
  const say: Say = (what) => void broken.push(what);
  const entryOf = (at: number): Entry | undefined =>
    entries.find(({ startedAt, endedAt }) => startedAt <= at && at <= (endedAt ?? Infinity));
  for (const [index, sign] of signs.entries()) {
    const entry = entryOf(sign.at);
    if (entry === undefined && judge.settles && !judge.mayBeMissing(sign))
      say(`the sign at ${clockTime(sign.at)} is in no check-in`);
    const next = signs[index + 1];
    if (entry === undefined || next === undefined) continue;
    const other = entryOf(next.at);
    if (other === undefined) continue;
    const verdict = judge.between(signs.slice(0, index + 1), signs.slice(index + 1), next);
    const times = `${clockTime(sign.at)} and ${clockTime(next.at)}`;
    if (verdict === 'together' && entry !== other) say(`${times} are in two check-ins`);
    if (verdict === 'apart' && entry === other) say(`${times} are in one check-in`);
  }
  for (const entry of entries) {
    const inside = signs.filter(({ at }) => entry.startedAt <= at && at <= (entry.endedAt ?? Infinity));
    const [first, last] = [inside[0], inside.at(-1)];
    if (first === undefined || last === undefined) {
      say(`nothing speaks for the check-in ${clockTime(entry.startedAt)}-${clockTime(entry.endedAt)}`);
      continue;
    }
    const before = entries[entries.indexOf(entry) - 1]?.endedAt ?? -Infinity;
    const began = Math.min(first.at, ...inside.map(({ beganAt, at }) => beganAt ?? at));
    const expected = Math.max(began, Math.min(before, first.at));
    const isUnclear =
      judge.mayHaveForgotten(inside) ||
      inside.some(({ isReused }) => isReused) ||
      (clamped.size > 0 && begun.has(entry.startedAt));
    if (judge.settles && entry.startedAt !== expected && !isUnclear) {
      say(`the check-in starts at ${clockTime(entry.startedAt)} and not at ${clockTime(expected)}`);
    }
    if (
      entry.endedAt !== null &&
      entry.endedAt !== last.at &&
      !clamped.has(entry.endedAt) &&
      !judge.isEnd(inside, entry.endedAt) &&
      !(judge.losses.length > 0 && begun.has(entry.endedAt) && entry.endedAt - last.at < 5 * minute) &&
      !judge.wasEnd(here, entry.endedAt)
    ) {
      say(`the check-in ends at ${clockTime(entry.endedAt)} and not at ${clockTime(last.at)}`);
    }
    if (entry.endedAt === null && !inside.some(({ accessPoint }) => judge.mayBeEndless(accessPoint))) {
      say(`the check-in of ${clockTime(entry.startedAt)} has no end`);
    }
  }
  return broken;
}

/** Each check-out, by what was known when it was decided. */
function compareCheckOuts(
  judge: Judge,
  here: readonly Delivered[],
  ledger: Ledger,
  days: Days,
  person: string,
  say: Say,
): void {
  for (const { type, at, data, person: who, spaceId } of ledger.events) {
    if (type !== 'checkout.recorded' || who !== person || spaceId !== judge.space.id) continue;
    // Where the clock was set back it may have been one of two moments, or one that the clock on the wall did not show.
    if (days.hasGoneBack && at === data.endedAt) continue;
    const wrongs = days.moments(at).map((moment) => wrongWithCheckOut(judge, here, days, moment, data.endedAt ?? 0));
    if (wrongs.every((wrong) => wrong !== undefined)) say(wrongs[0] as string);
  }
}

function wrongWithCheckOut(
  judge: Judge,
  here: readonly Delivered[],
  days: Days,
  at: number,
  endedOnWall: number,
): string | undefined {
  // What comes at the same moment may come right behind it, all of it or the last of it.
  const known = here.filter(({ arrived }) => arrived <= at);
  const before = known.findIndex(({ arrived }) => arrived === at);
  let wrong: string | undefined;
  for (let count = known.length; count >= (before === -1 ? known.length : before); count -= 1) {
    wrong = wrongByThen(judge, known.slice(0, count), days, at, endedOnWall);
    if (wrong === undefined) return undefined;
  }
  return wrong;
}

function wrongByThen(
  judge: Judge,
  known: readonly Delivered[],
  days: Days,
  at: number,
  endedOnWall: number,
): string | undefined {
  const signs = judge.signsOf(known, at);
  const last = signs.at(-1);
  if (last === undefined) return `the check-out of ${clockTime(at)} has no sign before it`;
  // Repetitions by a clock that runs ahead are later each time.
  const shown = [signs, known].map((all) => new Set(all.map((one) => one.at)));
  const endedAt = days.moment(endedOnWall, shown, 'last');
  const newest = Math.max(...known.map(({ arrived }) => arrived));
  const ending = signs.filter((sign) => sign.at <= endedAt);
  const after = signs.slice(ending.length);
  if (ending.length > 0 && judge.between(ending, after, after[0] ?? at) === 'together') {
    return `checked out at ${clockTime(at)} although seen at ${clockTime(last.at)}`;
  }
  const latest = judge.foundBy(Math.max(newest, judge.reach(ending, at)), ending);
  const isClear = known.every(({ report }) => report.accessPoint.clockError <= 0);
  return isClear && at > latest
    ? `checked out at ${clockTime(at)}, and not at ${clockTime(latest)} at the latest`
    : undefined;
}

/** Whoever was in when Redis was lost stays in for a fresh idle timeout. */
function compareLosses(judge: Judge, ledger: Ledger, person: string, say: Say): void {
  const { id, idleTimeout } = judge.space;
  const theirs = ledger.events.filter((event) => event.person === person && event.spaceId === id);
  for (const { at: lostAt } of judge.losses) {
    const before = theirs.filter(({ at, checkInId }) => at <= lostAt && checkInId !== null);
    const latest = before.findLast(({ type }) => type.startsWith('check'));
    const isIn = latest !== undefined && (latest.type === 'checkin.recorded' || latest.data.state === 'open');
    const out = theirs.find(({ type, at }) => type === 'checkout.recorded' && lostAt < at && at < lostAt + idleTimeout);
    if (isIn && out?.checkInId === latest.checkInId) {
      say(`checked out at ${clockTime(out.at)} although Redis was lost at ${clockTime(lostAt)}`);
    }
  }
}

export function clockTime(at: number | null): string {
  return at === null ? 'open' : (at / minute).toFixed(2);
}
