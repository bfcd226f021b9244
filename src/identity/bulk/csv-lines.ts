import { TextDecoder } from 'node:util';
import type { ItemError } from './item.ts';

/** `number` counts from 1, as editors do. */
export type Line = {
  readonly number: number;
  readonly text: string;
  /** Whether it holds bytes that are no character. */
  readonly isDamaged: boolean;
};

/** Two hundred times what the four columns need; whatever is longer is no line of ours. */
const longestLine = 10_000;
/** What is decoded at a time: a millisecond's work. */
const chunkSize = 64 * 1024;

/**
 * The lines of a text file, some at a time, whatever ended them: `\n`, `\r\n` or `\r`. UTF-8, or UTF-16 with its byte
 * order mark. The last thing is an error when the file, or a line of it, is longer than it may be; nothing is held in
 * memory but the lines of one chunk.
 */
export async function* readLines(
  content: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<readonly Line[] | ItemError> {
  let decoder: Decoder | undefined;
  let rest = '';
  let number = 0;
  let bytes = 0;
  const toLine = (text: string): Line => {
    const isDamaged = decoder?.isDamaged === true && text.includes('\uFFFD');
    return { number: (number += 1), text, isDamaged };
  };
  for await (const whole of content) {
    for (let from = 0; from < whole.length; from += chunkSize) {
      const chunk = whole.subarray(from, from + chunkSize);
      bytes += chunk.length;
      if (bytes > mostBytes) {
        yield refuse(number + 1, 'fileTooLarge', `the file is larger than ${mostBytes / 1024 / 1024} MiB; divide it`);
        return;
      }
      decoder ??= new Decoder(chunk);
      // A `\r` at the end may be half of a `\r\n`.
      const parts = (rest + decoder.decode(chunk)).split(/\r\n|\n|\r(?!$)/);
      rest = parts.at(-1) ?? '';
      const long = parts.findIndex((part) => part.length > longestLine);
      if (long !== -1) {
        yield refuse(
          number + 1 + long,
          'lineTooLong',
          `is longer than ${longestLine} characters; a row is one short line`,
        );
        return;
      }
      if (parts.length > 1) yield parts.slice(0, -1).map(toLine);
    }
  }
  rest += decoder?.decode() ?? '';
  if (rest !== '') yield rest.split('\r').map(toLine);
}

/** Bytes to text. What is no character becomes U+FFFD, and is told apart from one that was written. */
class Decoder {
  isDamaged = false;
  readonly #lenient: TextDecoder;
  readonly #strict: TextDecoder;

  constructor(start: Uint8Array) {
    const encoding = encodingOf(start);
    this.#lenient = new TextDecoder(encoding);
    this.#strict = new TextDecoder(encoding, { fatal: true });
  }

  /** Without a chunk: the end. */
  decode(chunk?: Uint8Array): string {
    const options = { stream: chunk !== undefined };
    try {
      if (!this.isDamaged) this.#strict.decode(chunk, options);
    } catch {
      this.isDamaged = true;
    }
    return this.#lenient.decode(chunk, options);
  }
}

function refuse(place: number, code: ItemError['code'], message: string): ItemError {
  return { place, column: null, code, message };
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return 'utf-8';
}
