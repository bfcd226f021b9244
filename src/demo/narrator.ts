import { toTerminalText } from '../runtime/plain-text.ts';
import type { Cast } from './cast.ts';
import type { FeedEvent } from './feed.ts';
import type { Screen } from './screen.ts';
import { type DayClock, formatLength, formatTimeOfDay, minuteAt } from './time-of-day.ts';

export type Summary = { readonly present: number; readonly unknown: number; readonly packets: number };

const number = new Intl.NumberFormat('en');
const PLAIN_SUMMARY_EVERY = 15;

/** Tells what the feed says in the venue's own time of day. */
export class Narrator {
  readonly #screen: Screen;
  readonly #names: ReadonlyMap<string, string>;
  #day: DayClock | undefined;
  #summarizedAt = Number.NEGATIVE_INFINITY;

  constructor(screen: Screen, cast: Cast) {
    this.#screen = screen;
    this.#names = new Map(cast.members.map(({ id, name }) => [id, name]));
  }

  openDay(day: number, clock: DayClock): void {
    this.#day = clock;
    this.#summarizedAt = Number.NEGATIVE_INFINITY;
    this.#screen.line(this.#screen.paint('strong', `Day ${day}, the doors open`));
  }

  tell(event: FeedEvent, now: number): void {
    const text = this.#sentence(event);
    if (text !== undefined) this.#screen.line(`${this.#timeOf(now)}  ${text}`);
  }

  #sentence({ type, data }: FeedEvent): string | undefined {
    const screen = this.#screen;
    const name = toTerminalText(data.customerName ?? this.#names.get(data.customerId ?? '') ?? 'Somebody');
    switch (type) {
      case 'checkin.recorded':
        return `${screen.paint('arrived', '→')} ${name} is in`;
      case 'checkout.recorded':
        return `${screen.paint('left', '←')} ${name} has left${this.#absence(data)}`;
      case 'checkin.failed':
        return `${screen.paint('refused', '×')} ${name} is here and was not checked in: ${reasonInWords(data.failureReason)}`;
      case 'checkin.corrected':
        return `${screen.paint('quiet', '·')} ${name}'s check-in was corrected`;
      default:
        return undefined;
    }
  }

  /** When they were last active, which is earlier than when it is known. */
  #absence({ startedAt, endedAt }: FeedEvent['data']): string {
    if (this.#day === undefined || startedAt === undefined || endedAt === undefined || endedAt === null) return '';
    const from = minuteAt(this.#day, Date.parse(startedAt));
    const to = minuteAt(this.#day, Date.parse(endedAt));
    return `: last active at ${formatTimeOfDay(to)}, ${formatLength(to - from)} in all`;
  }

  summarize({ present, unknown, packets }: Summary, now: number): void {
    if (this.#day === undefined) return;
    const minute = minuteAt(this.#day, now);
    // Where lines cannot replace themselves, one every quarter of an hour is enough.
    if (!this.#screen.replaces && minute - this.#summarizedAt < PLAIN_SUMMARY_EVERY) return;
    this.#summarizedAt = minute;
    const people = present === 1 ? '1 person' : `${present} people`;
    this.#screen.status(
      `${formatTimeOfDay(minute)}  in now: ${people} · strangers seen: ${unknown} · packets: ${number.format(packets)}`,
    );
  }

  #timeOf(now: number): string {
    return this.#screen.paint('quiet', this.#day === undefined ? '--:--' : formatTimeOfDay(minuteAt(this.#day, now)));
  }
}

function reasonInWords(reason: string | null | undefined): string {
  return reason === 'noPass' ? 'no valid pass' : (reason ?? 'no reason given');
}
