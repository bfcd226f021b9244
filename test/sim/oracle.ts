import { findBlindness, type Blindness } from './blindness.ts';
import { signsOf, type Sign } from './evidence.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Delivered, Played } from './play.ts';
import type { Scenario } from './scenario.ts';
import { minute, second, type Space } from './venue.ts';

/** What the truth says of the time between two moments: `either` where reliability.md leaves it open. */
export type Verdict = 'together' | 'apart' | 'either';

/**
 * The ledger compared with the truth. Tolerances:
 * - a check-in starts at the first sign that was heard, or where a session says that it began, not before the check-in before it;
 *   it ends at the last sign: a sign is at most one reporting cadence after the traffic that it shows
 * - two signs of which one follows within the idle timeout, or within `rejoin` in one session, are in one check-in
 * - two signs that nothing holds together are in two
 * - nobody is checked out while one of these holds at that moment, nor later than a look after nothing does any more
 */
export function compare(scenario: Scenario, played: Played, ledger: Ledger): string[] {
  const blindness = findBlindness(scenario, played.delivered);
  const broken: string[] = [];
  for (const person of scenario.people) {
    const theirs = played.delivered.filter(({ report }) => report.person === person.id);
    for (const space of scenario.venue.spaces) {
      const here = theirs.filter(({ report }) => report.accessPoint.spaceId === space.id);
      const elsewhere = signsOf(theirs.filter(({ report }) => report.accessPoint.spaceId !== space.id));
      const judge = new Judge(space, blindness, elsewhere);
      const entries = ledger.entries.filter((one) => one.person === person.id && one.spaceId === space.id);
      const say = (what: string): void => void broken.push(`${person.id} in ${space.id}: ${what}`);
      const clamped = new Set(here.filter(({ report }) => report.accessPoint.clockError > 0).map(({ at }) => at));
      compareEntries(judge, judge.signsOf(here), entries.filter(isReal), clamped, say);
      compareCheckOuts(judge, here, ledger, person.id, scenario.lookEvery, say);
    }
  }
  return broken;
}

function isReal({ state }: Entry): boolean {
  return state === 'open' || state === 'closed';
}

/** Without what sessions show of a device that has begun one in another space since. */
function withoutThoseLeft(signs: readonly Sign[], elsewhere: readonly Sign[]): Sign[] {
  const begun = new Map<string, number>();
  for (const { session, at, beganAt } of signs) begun.set(session, Math.min(beganAt ?? at, begun.get(session) ?? at));
  const moves = [...Map.groupBy(elsewhere, ({ session }) => session).values()].map(([first]) => first as Sign);
  return signs.filter(({ device, session, at }) => {
    const from = begun.get(session) as number;
    return !moves.some((move) => move.device === device && from < move.at && move.at <= at);
  });
}

type Say = (what: string) => void;

/** `clamped`: when something is said to have happened by a clock that runs ahead, so that repetitions have other times. */
function compareEntries(
  judge: Judge,
  signs: readonly Sign[],
  entries: readonly Entry[],
  clamped: ReadonlySet<number>,
  say: Say,
): void {
  const entryOf = (at: number): Entry | undefined =>
    entries.find(({ startedAt, endedAt }) => startedAt <= at && at <= (endedAt ?? Infinity));
  for (const [index, sign] of signs.entries()) {
    const entry = entryOf(sign.at);
    if (entry === undefined && judge.settles) say(`the sign at ${clockTime(sign.at)} is in no check-in`);
    const next = signs[index + 1];
    if (entry === undefined || next === undefined) continue;
    const other = entryOf(next.at);
    if (other === undefined) continue;
    const verdict = judge.between(signs.slice(0, index + 1), signs.slice(index + 1), next.at);
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
    if (judge.settles && entry.startedAt !== expected) {
      say(`the check-in starts at ${clockTime(entry.startedAt)} and not at ${clockTime(expected)}`);
    }
    if (
      entry.endedAt !== null &&
      entry.endedAt !== last.at &&
      !clamped.has(entry.endedAt) &&
      !judge.isEnd(inside, entry.endedAt)
    ) {
      say(`the check-in ends at ${clockTime(entry.endedAt)} and not at ${clockTime(last.at)}`);
    }
    if (entry.endedAt === null && !inside.some(({ accessPoint }) => judge.mayBeEndless(accessPoint))) {
      say(`the check-in of ${clockTime(entry.startedAt)} has no end`);
    }
  }
}

/** Each check-out, by what was known when it was decided. */
function compareCheckOuts(
  judge: Judge,
  here: readonly Delivered[],
  ledger: Ledger,
  person: string,
  lookEvery: number,
  say: Say,
): void {
  for (const { type, at, data, person: who, spaceId } of ledger.events) {
    if (type !== 'checkout.recorded' || who !== person || spaceId !== judge.space.id) continue;
    const known = here.filter(({ arrived }) => arrived <= at);
    const signs = judge.signsOf(known);
    const last = signs.at(-1);
    if (last === undefined) {
      say(`the check-out of ${clockTime(at)} has no sign before it`);
      continue;
    }
    const newest = Math.max(...known.map(({ arrived }) => arrived));
    const ending = signs.filter((sign) => sign.at <= (data.endedAt ?? 0));
    const after = signs.slice(ending.length);
    if (ending.length > 0 && judge.between(ending, after, after[0]?.at ?? at) === 'together') {
      say(`checked out at ${clockTime(at)} although seen at ${clockTime(last.at)}`);
    }
    const latest = Math.max(newest, judge.reach(ending, at)) + lookEvery + 15 * second;
    if (at > latest) say(`checked out at ${clockTime(at)}, and not at ${clockTime(latest)} at the latest`);
  }
}

class Judge {
  readonly space: Space;
  readonly #blindness: Blindness;
  readonly #elsewhere: readonly Sign[];

  constructor(space: Space, blindness: Blindness, elsewhere: readonly Sign[]) {
    this.space = space;
    this.#blindness = blindness;
    this.#elsewhere = elsewhere;
  }

  /** What a session shows here; one that the device has left for another space says nothing of it any more. */
  signsOf(known: readonly Delivered[]): Sign[] {
    return withoutThoseLeft(signsOf(known), this.#elsewhere);
  }

  /** Whether everybody who is seen is in at once. */
  get settles(): boolean {
    return this.space.settle === 0;
  }

  mayBeEndless(accessPoint: Sign['accessPoint']): boolean {
    return this.#blindness.mayBeEndless(accessPoint);
  }

  isEnd(inside: readonly Sign[], at: number): boolean {
    return inside.some(
      ({ accessPoint }) =>
        this.mayBeEndless(accessPoint) &&
        this.#blindness.possible(accessPoint).some(([, to]) => Math.abs(to - at) < 3 * second),
    );
  }

  /** Whether what was seen until now holds until `at`. `after` is what is known of later. */
  between(before: readonly Sign[], after: readonly Sign[], at: number): Verdict {
    const { idleTimeout, rejoin, maxBlind } = this.space;
    const last = before.at(-1) as Sign;
    const wasAway = this.#elsewhere.some((sign) => last.at - minute <= sign.at && sign.at <= at);
    const spans = this.#spans(before, after);
    if (!wasAway) {
      if (last.at + idleTimeout >= at) return 'together';
      const said = (one: Sign): number => (one.accessPoint.isSet ? 2.2 * (one.accessPoint.cadence ?? 0) : 0);
      if (spans.some(([from, to, sign]) => to - from <= Math.max(idleTimeout, rejoin, said(sign)))) return 'together';
      for (const sign of before) {
        const { accessPoint, isStopped } = sign;
        // A device that was seen in another session since is not waited for in this one.
        const isElsewhere = before.some(
          (one) => one.device === sign.device && one.session !== sign.session && one.at > sign.at,
        );
        const waits = isStopped || isElsewhere ? 0 : said(sign);
        let reach = sign.at + Math.max(idleTimeout, waits);
        for (const [from, to] of isElsewhere ? [] : this.#blindness.certain(accessPoint)) {
          if (from <= reach && sign.at <= to && to - from < maxBlind) reach = Math.max(reach, to + idleTimeout);
        }
        if (reach >= at) return 'together';
      }
    }
    if (
      spans.some(
        ([from, to, sign]) =>
          this.mayBeEndless(sign.accessPoint) ||
          to - from <= Math.max(rejoin, this.#blindness.patience(sign.accessPoint)),
      )
    )
      return 'either';
    return this.reach(before, at) >= at || wasAway ? 'either' : 'apart';
  }

  /** The longest that signs may be taken to hold. */
  reach(signs: readonly Sign[], until: number): number {
    let most = -Infinity;
    for (const { at, accessPoint } of signs) {
      if (this.mayBeEndless(accessPoint)) return until;
      const patience = this.#blindness.patience(accessPoint);
      let reach = at + patience;
      for (const [from, to] of this.#blindness.possible(accessPoint)) {
        if (from > reach || at > to) continue;
        reach = Math.max(reach, Math.min(to + patience + minute, from + this.space.maxBlind + patience));
      }
      most = Math.max(most, reach);
    }
    return most;
  }

  /** Sessions that were seen both before and after, by the signs next to the pause. */
  #spans(before: readonly Sign[], after: readonly Sign[]): [from: number, to: number, sign: Sign][] {
    const spans: [number, number, Sign][] = [];
    for (const session of new Set(before.map(({ session }) => session))) {
      const next = after.find((sign) => sign.session === session);
      const last = before.findLast((sign) => sign.session === session) as Sign;
      if (next !== undefined) spans.push([last.at, next.at, last]);
    }
    return spans;
  }
}

export function clockTime(at: number | null): string {
  return at === null ? 'open' : (at / minute).toFixed(2);
}
