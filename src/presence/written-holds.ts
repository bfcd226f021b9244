import { createTextNumbers } from './text-numbers.ts';

const ways = 8;
const sets = 1 << 15;

/** Numbers of a way: the link, what was written for it, its station, and from when on it is written again. */
const fields = 4;
const contentAt = 1;
const stationAt = 2;
const refreshAt = 3;

/** What was written for a link: of a session, or of a lease. */
export type WrittenHold = {
  readonly link: string;
  readonly station: string;
  /** Everything that would be news if it changed. */
  readonly content: string;
  /** Epoch milliseconds. */
  readonly refreshAt: number;
};

/**
 * What this node has written of who has which address, for 262,144 links in a fixed 8 MB, of which only what is in use is
 * there. A link is known by 53 bits of a keyed hash, and so is what was written for it: two that are taken for one, once
 * in thirty billion of a full table, would wait for their next refresh. What finds no room is written more often than
 * need be.
 */
export class WrittenHolds {
  readonly #numberOf: (text: string) => number;
  #numbers = new Float64Array(sets * ways * fields);
  #victim = 0;

  /** `secret` keeps those who choose session ids from choosing ones that collide; 8 bytes. */
  constructor(secret: Buffer) {
    this.#numberOf = createTextNumbers(secret);
  }

  /** Whether the same was written, and not too long before `at`. */
  isWritten({ link, station, content }: Omit<WrittenHold, 'refreshAt'>, at: number): boolean {
    const way = this.#find(this.#numberOf(link));
    return (
      way !== undefined &&
      this.#numbers[way + contentAt] === this.#numberOf(content) &&
      this.#numbers[way + stationAt] === this.#numberOf(station) &&
      at < (this.#numbers[way + refreshAt] as number)
    );
  }

  remember(hold: WrittenHold): void {
    const number = this.#numberOf(hold.link);
    const first = firstWay(number);
    const way = this.#find(number) ?? this.#find(0, first) ?? first + (this.#victim++ % ways) * fields;
    this.#numbers[way] = number;
    this.#numbers[way + contentAt] = this.#numberOf(hold.content);
    this.#numbers[way + stationAt] = this.#numberOf(hold.station);
    this.#numbers[way + refreshAt] = hold.refreshAt;
  }

  /** Unless something else was written for the link since. */
  forget(hold: WrittenHold): void {
    const way = this.#find(this.#numberOf(hold.link));
    if (way === undefined || this.#numbers[way + contentAt] !== this.#numberOf(hold.content)) return;
    if (this.#numbers[way + refreshAt] === hold.refreshAt) this.#numbers[way] = 0;
  }

  forgetLink(link: string): void {
    const way = this.#find(this.#numberOf(link));
    if (way !== undefined) this.#numbers[way] = 0;
  }

  /** A look at everything, so for rare occasions. */
  forgetStation(station: string): void {
    const number = this.#numberOf(station);
    for (let way = 0; way < this.#numbers.length; way += fields) {
      if (this.#numbers[way + stationAt] === number) this.#numbers[way] = 0;
    }
  }

  clear(): void {
    this.#numbers = new Float64Array(this.#numbers.length);
  }

  /** Where the number of a link stands, 0 for a free way. */
  #find(number: number, first = firstWay(number)): number | undefined {
    for (let way = first; way < first + ways * fields; way += fields) {
      if (this.#numbers[way] === number) return way;
    }
    return undefined;
  }
}

function firstWay(number: number): number {
  return (number % sets) * ways * fields;
}
