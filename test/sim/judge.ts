import type { Blindness } from './blindness.ts';
import { signsOf, type Sign } from './evidence.ts';
import type { Delivered, Loss } from './played.ts';
import { minute, second, type Space } from './venue.ts';

/** What the truth says of the time between two moments: `either` where reliability.md leaves it open. */
export type Verdict = 'together' | 'apart' | 'either';

/** Says of what was seen of a person in a space what belongs together. */
export class Judge {
  readonly space: Space;
  readonly #blindness: Blindness;
  readonly losses: readonly Loss[];
  readonly lookEvery: number;
  readonly #elsewhere: readonly Sign[];
  readonly #reused: ReadonlySet<string>;

  constructor(
    space: Space,
    blindness: Blindness,
    elsewhere: readonly Sign[],
    losses: readonly Loss[],
    lookEvery: number,
    reused: ReadonlySet<string>,
  ) {
    this.#reused = reused;
    this.space = space;
    this.#blindness = blindness;
    this.#elsewhere = elsewhere;
    this.losses = losses;
    this.lookEvery = lookEvery;
  }

  /** What a session shows here; one that the device has left for another space says nothing of it any more. */
  signsOf(known: readonly Delivered[], by = Infinity): Sign[] {
    const elsewhere = this.#elsewhere.filter(({ arrived }) => arrived <= by);
    return withoutThoseLeft(signsOf(known, this.losses, this.#reused), elsewhere);
  }

  /** Whether Redis may have been lost before the ledger knew of it. */
  mayBeLost({ arrived, isClose }: Sign): boolean {
    return this.losses.some(({ at, knownUntil }) => arrived <= at && (isClose || knownUntil < arrived));
  }

  /**
   * Whether it need not be in a check-in: it may be lost, be taken for a report of the session before with the same id, or for one of a
   * session that was left by then, as repeated Starts by a clock that runs ahead are later than what they repeat.
   */
  mayBeMissing(sign: Sign): boolean {
    const isLeftBy = (other: Sign): boolean => {
      const ahead = other.accessPoint.clockError;
      return ahead > 0 && isLeft(sign, other, ahead);
    };
    return sign.isReused || this.mayBeLost(sign) || this.#elsewhere.some(isLeftBy);
  }

  /** Whether what these say of when sessions began may have been lost, or been told anew. */
  mayHaveForgotten(signs: readonly Sign[]): boolean {
    return signs.some((sign) => sign.lossesBefore > 0 || this.mayBeLost(sign));
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

  /** Whether somebody was last seen then, as far as the ledger knew when Redis was lost. */
  wasEnd(here: readonly Delivered[], at: number): boolean {
    return this.losses.some((loss) => {
      const before = here.filter(({ arrived }) => arrived <= loss.at);
      const moments = [loss.knownUntil, ...before.map(({ arrived }) => arrived)].filter((by) => by >= loss.knownUntil);
      return moments.some((by) => {
        const known = before.filter(({ arrived }) => arrived <= by);
        return this.signsOf(known, by).some((sign) => sign.at === at);
      });
    });
  }

  /** Whether what was seen until now holds until the next sign, or the moment `next`. `after` is what is known of later. */
  between(before: readonly Sign[], after: readonly Sign[], next: Sign | number): Verdict {
    const { idleTimeout, rejoin, maxBlind } = this.space;
    const last = before.at(-1) as Sign;
    const at = typeof next === 'number' ? next : next.at;
    const losses = (one: Sign): number => one.lossesBefore;
    const lossesUntil = typeof next === 'number' ? this.losses.filter((loss) => loss.at <= next).length : losses(next);
    const wasAway = this.#elsewhere.some(
      (sign) => last.at - minute <= sign.at && Math.min(sign.at, sign.beganAt ?? sign.at) <= at,
    );
    const spans = this.#spans(before, after);
    const isLost = this.mayBeMissing(last) || (typeof next !== 'number' && this.mayBeMissing(next));
    if (!wasAway && !isLost && last.at + idleTimeout >= at) return 'together';
    if (!wasAway && !isLost && losses(last) === lossesUntil) {
      const said = (one: Sign): number => (one.accessPoint.isSet ? 2.2 * (one.accessPoint.cadence ?? 0) : 0);
      const isOne = spans.some(
        ([from, to, sign, then]) =>
          to - from <= Math.max(idleTimeout, rejoin, said(sign)) &&
          !this.mayBeMissing(then) &&
          !this.#blindness.restarted(sign.accessPoint, from, to),
      );
      if (isOne) return 'together';
      const rememberedFrom = this.losses[lossesUntil - 1]?.at ?? -Infinity;
      for (const sign of before) {
        if (losses(sign) !== lossesUntil) continue;
        const { accessPoint, isStopped } = sign;
        // A device that was seen in another session since is not waited for in this one.
        const isLater = (one: Sign): boolean =>
          one.device === sign.device && one.session !== sign.session && one.at > sign.at && one.at <= at;
        const isElsewhere = before.some(isLater) || this.#elsewhere.some(isLater);
        const waits = isStopped || isElsewhere || sign.sharesId ? 0 : said(sign);
        let reach = sign.at + Math.max(idleTimeout, waits);
        // Of a session that is over nothing is missed.
        const blind = isStopped ? this.#blindness.certain(accessPoint) : this.#blindness.missed(accessPoint);
        for (const [from, to] of isElsewhere ? [] : blind) {
          // What begins in the last moment may be told too late, and by a clock that runs behind it is.
          const margin = 10 * second + Math.abs(accessPoint.clockError);
          const isInTime = from >= rememberedFrom && from <= reach - margin;
          // That it is silent is told at the first look after 2.2 cadences.
          const toldFrom = from + 2.2 * (accessPoint.cadence ?? 0);
          const isBeingTold = at > toldFrom - this.lookEvery - minute && at < toldFrom + this.lookEvery + minute;
          // It may have begun before it is certain to be missed, and its end is told later as well.
          const isShort = to - from < maxBlind - 2 * (minute + this.lookEvery);
          if (isInTime && !(accessPoint.isSet && isBeingTold) && sign.at <= to && isShort)
            reach = Math.max(reach, to + idleTimeout);
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
    const reach = this.reach(before, at);
    const isUnheard = before.some(
      ({ accessPoint: one }) =>
        this.#blindness.mayBeMissed(one) &&
        at <= Math.min(this.#blindness.heardAfter(one, reach), reach + this.#blindness.patience(one)),
    );
    // A visit that was put back goes on from where it was known to begin, whatever comes of that session later. And what was lost does
    // not keep a session that is known anew from being dated back beyond it.
    const goesBack = (one: Sign): boolean => (one.beganAt ?? one.at) <= last.at;
    const wasDatedBack = after.some((one) => (losses(one) < losses(last) || this.mayBeMissing(last)) && goesBack(one));
    return reach >= at || wasAway || isUnheard || wasDatedBack ? 'either' : 'apart';
  }

  /** When somebody who is due then is found at the latest: once the access points of these have been heard again, within a look. */
  foundBy(due: number, signs: readonly Sign[]): number {
    const heard = signs.map(({ accessPoint }) =>
      Math.min(this.#blindness.heardAfter(accessPoint, due), due + this.#blindness.patience(accessPoint)),
    );
    const latest = Math.max(due, ...heard.map((at) => at + 31 * second)) + this.lookEvery + 15 * second;
    const down = this.#blindness.ours.find(([from, to]) => from <= latest && due < to);
    return down === undefined ? latest : Math.max(latest, this.foundBy(down[1], signs));
  }

  /** The longest that signs may be taken to hold. */
  reach(signs: readonly Sign[], until: number): number {
    let most = -Infinity;
    for (const { at, accessPoint } of signs) {
      if (this.mayBeEndless(accessPoint)) return until;
      // Repetitions by a clock that runs ahead are later than what they repeat.
      const patience = this.#blindness.patience(accessPoint) + Math.max(0, accessPoint.clockError);
      let reach = at + patience;
      for (const [from, to] of this.#blindness.possible(accessPoint)) {
        if (from > reach || at > to) continue;
        reach = Math.max(reach, Math.min(to + patience + minute, from + this.space.maxBlind + patience));
      }
      for (const [from, to] of this.#blindness.putBack) {
        if (from <= reach && at <= to) reach = Math.max(reach, to + patience);
      }
      most = Math.max(most, reach);
    }
    return most;
  }

  /** Sessions that were seen both before and after, by the signs next to the pause. */
  #spans(before: readonly Sign[], after: readonly Sign[]): [from: number, to: number, sign: Sign, then: Sign][] {
    const spans: [number, number, Sign, Sign][] = [];
    for (const session of new Set(before.map(({ session }) => session))) {
      const next = after.find((sign) => sign.session === session);
      const last = before.findLast((sign) => sign.session === session) as Sign;
      if (next !== undefined) spans.push([last.at, next.at, last, next]);
    }
    return spans;
  }
}

/** Whether the device had begun a session in another space by then, or would have by a clock that is this much ahead. */
function isLeft({ device, at, sessionBeganAt }: Sign, other: Sign, ahead: number): boolean {
  const movedAt = other.sessionBeganAt;
  return other.device === device && sessionBeganAt < movedAt + ahead && movedAt <= at;
}

/** Without what sessions show of a device that has begun one in another space since. */
function withoutThoseLeft(signs: readonly Sign[], elsewhere: readonly Sign[]): Sign[] {
  return signs.filter((sign) => !elsewhere.some((other) => isLeft(sign, other, 0)));
}
