import { grown, isFull, none, place, slotsFor } from './slots.ts';

const encoder = new TextEncoder();
/** The longest id is 128 characters, the longest identity that RADIUS can carry 253 octets (RFC 2865, section 5). */
const longest = 1024;

/** Words before the fields of an entry: its hash, and how many bytes the text has. */
const headWords = 2;

/**
 * Texts as numbers, both ways: entries one after the other in one array, found by open addressing over their hashes. The
 * number of a text is where its entry begins, so that a text and what is kept with it (`fields`, 32 bits each, 0 at
 * first) are one wait for the memory. A number is never used for another text, so whoever keeps one can at worst find
 * its text removed.
 */
export class TextTable {
  readonly #seed: number;
  readonly #textAt: number;
  readonly #scratch = new Uint8Array(longest);
  #slots = slotsFor(512);
  #words = new Int32Array(4096);
  #bytes = Buffer.from(this.#words.buffer);
  #end = 0;
  #texts = 0;

  /** A random `seed` keeps those who choose texts from choosing ones that collide. */
  constructor(seed: number, fields: number) {
    this.#seed = seed;
    this.#textAt = headWords + fields;
  }

  /** Room for this many texts at once, with so many bytes together; more find room as they come. */
  reserve(texts: number, bytes: number) {
    const words = Math.ceil(bytes / 4) + texts * (this.#textAt + 1);
    if (words > this.#words.length) this.#lengthen(words);
    const slots = slotsFor(texts);
    if (slots.length > this.#slots.length) this.#moveTo(slots);
  }

  /** The number of a text, or `none`. */
  find(text: string): number {
    const length = this.#encode(text);
    return length > longest ? none : this.#find(length, this.#hash(length));
  }

  /** The number of a text, a new one if it has none yet. */
  add(text: string): number {
    const length = this.#encode(text);
    if (length > longest) throw new RangeError(`a text of more than ${longest} bytes cannot be indexed`);
    const hash = this.#hash(length);
    const found = this.#find(length, hash);
    if (found !== none) return found;
    const row = this.#end;
    const end = row + this.#textAt + ((length + 3) >> 2);
    if (end > this.#words.length) this.#lengthen(Math.ceil(end * 1.5));
    this.#words[row] = hash;
    this.#words[row + 1] = length;
    const textAt = (row + this.#textAt) * 4;
    for (let index = 0; index < length; index++) this.#bytes[textAt + index] = this.#scratch[index] as number;
    this.#end = end;
    if (isFull(this.#slots, this.#texts)) this.#moveTo(new Uint32Array(this.#slots.length * 2));
    place(this.#slots, hash, row);
    this.#texts += 1;
    return row;
  }

  text(row: number): string {
    const from = (row + this.#textAt) * 4;
    return this.#bytes.toString('utf8', from, from + (this.#words[row + 1] as number));
  }

  field(row: number, field: number): number {
    return this.#words[row + headWords + field] as number;
  }

  setField(row: number, field: number, value: number) {
    this.#words[row + headWords + field] = value;
  }

  /** Every number that was ever given out. */
  *rows(): Generator<number> {
    for (let row = 0; row < this.#end; row += this.#textAt + (((this.#words[row + 1] as number) + 3) >> 2)) yield row;
  }

  /** Into the scratch; its length in bytes, or more than `longest`. */
  #encode(text: string): number {
    const { length } = text;
    if (length > longest) return longest + 1;
    const scratch = this.#scratch;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        const { read, written } = encoder.encodeInto(text, scratch);
        return read < length ? longest + 1 : written;
      }
      scratch[index] = code;
    }
    return length;
  }

  /** FNV-1a, then the last step of MurmurHash3 to spread it over all bits. */
  #hash(length: number): number {
    let hash = this.#seed | 0;
    for (let index = 0; index < length; index++) {
      hash = Math.imul(hash ^ (this.#scratch[index] as number), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #find(length: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = (slots[slot] as number) - 1;
      if (row === none) return none;
      if (this.#words[row] === hash && this.#equals(row, length)) return row;
    }
  }

  #equals(row: number, length: number): boolean {
    if (this.#words[row + 1] !== length) return false;
    const from = (row + this.#textAt) * 4;
    for (let index = 0; index < length; index++) {
      if (this.#bytes[from + index] !== this.#scratch[index]) return false;
    }
    return true;
  }

  #moveTo(slots: Uint32Array) {
    for (const entry of this.#slots) {
      if (entry !== 0) place(slots, this.#words[entry - 1] as number, entry - 1);
    }
    this.#slots = slots;
  }

  #lengthen(words: number) {
    this.#words = grown(this.#words, words);
    this.#bytes = Buffer.from(this.#words.buffer);
  }
}
