import type { ItemError } from './item.ts';

/** What became of a file or a batch, or would become of it. Each row counts in one of the four. */
export type Report = {
  readonly dryRun: boolean;
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
  /** The first ones, in their order. One may be about the whole file, and then about no row. */
  readonly errors: readonly ItemError[];
  /** How many more there were. */
  readonly errorsLeftOut: number;
};

/** Nothing was registered, because something can not be. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
  readonly report: Report;

  /** `placeName` is what a place is called, such as "line". */
  constructor(report: Report, placeName: string) {
    const mistakes = report.errors.length + report.errorsLeftOut;
    const [first] = report.errors;
    const which = first === undefined ? '' : ` ${describeError(first, placeName)}`;
    super(
      `nothing was registered, because of ${mistakes === 1 ? '' : `${mistakes} mistakes, of which the first is `}${which.trim()}`,
    );
    this.report = report;
  }
}

/** `line 7, mac: is not an address such as 00-00-5E-00-53-01` */
export function describeError({ place, column, message }: ItemError, placeName: string): string {
  return `${placeName} ${place}${column === null ? '' : `, ${column}`}: ${message}`;
}

/** Errors in the order of their places: the first ones, and how many there are. */
export class ErrorList {
  readonly #most: number;
  readonly #errors: ItemError[] = [];
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(error: ItemError) {
    this.#count += 1;
    if (this.#errors.length < this.#most) this.#errors.push(error);
  }

  get count(): number {
    return this.#count;
  }

  /** These and others, as one report has them. */
  with(others: ErrorList): Pick<Report, 'errors' | 'errorsLeftOut'> {
    const all = [...this.#errors, ...others.#errors].toSorted((a, b) => a.place - b.place);
    const errors = all.slice(0, this.#most);
    return { errors, errorsLeftOut: this.#count + others.#count - errors.length };
  }
}
