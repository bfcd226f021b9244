import { inspect } from 'node:util';

const hidden = '[redacted]';

/**
 * A value that must never reach a log, an error or an event. Whatever prints it shows `[redacted]`; only `reveal()`, which is easy
 * to find in a review, gives the text.
 */
export class Secret {
  readonly #value: string;
  readonly #shown: string;

  /** `shown` is what printing gives instead: for a URL, the URL without its password. */
  constructor(value: string, shown: string = hidden) {
    this.#value = value;
    this.#shown = shown;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  [inspect.custom](): string {
    return this.#shown;
  }
}

/** A connection URL as a secret: its password, and passwords in its query, are hidden; host and user stay readable. */
export function secretUrl(text: string): Secret {
  const url = URL.parse(text);
  if (url === null) return new Secret(text);
  if (url.password !== '') url.password = 'redacted';
  for (const name of url.searchParams.keys()) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, 'redacted');
  }
  return new Secret(text, url.href.replace(':redacted@', `:${hidden}@`));
}
