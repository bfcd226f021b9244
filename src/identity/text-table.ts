import { grown, none } from './address-table.ts';

const encoder = new TextEncoder();
/** The longest id is 128 characters, the longest identity that RADIUS can carry 253 octets (RFC 2865, section 5). */
const longest = 1024;

/**
 * Texts as small whole numbers, both ways: their bytes one after the other in one buffer, found by open addressing over
 * their hashes. A number is never used for another text, so whoever keeps one can at worst find its text removed.
 */
export class TextTable {
  readonly #seed: number;
  readonly #scratch = new Uint8Array(longest);
  #slots = new Uint32Array(1024);
  #hashes = new Uint32Array(512);
  /** Where each text begins, and behind the last one where it ends. */
  #offsets = new Uint32Array(513);
  #bytes = Buffer.alloc(8192);
  #rows = 0;

  /** A random `seed` keeps those who choose texts from choosing ones that collide. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** How many numbers were ever given out. */
  get rows(): number {
    return this.#rows;
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
    const row = this.#rows;
    this.#reserve(length);
    this.#hashes[row] = hash;
    const start = this.#offsets[row] as number;
    this.#bytes.set(this.#scratch.subarray(0, length), start);
    this.#offsets[row + 1] = start + length;
    this.#rows += 1;
    this.#place(this.#slots, row);
    return row;
  }

  text(row: number): string {
    return this.#bytes.toString('utf8', this.#offsets[row], this.#offsets[row + 1]);
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
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #find(length: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = (slots[slot] as number) - 1;
      if (row === none) return none;
      if (this.#hashes[row] === hash && this.#equals(row, length)) return row;
    }
  }

  #equals(row: number, length: number): boolean {
    const offset = this.#offsets[row] as number;
    if ((this.#offsets[row + 1] as number) - offset !== length) return false;
    for (let index = 0; index < length; index++) {
      if (this.#bytes[offset + index] !== this.#scratch[index]) return false;
    }
    return true;
  }

  #place(slots: Uint32Array, row: number) {
    const mask = slots.length - 1;
    let slot = (this.#hashes[row] as number) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = row + 1;
  }

  #reserve(length: number) {
    if (this.#rows === this.#hashes.length) {
      const rows = Math.ceil(this.#rows * 1.5);
      this.#hashes = grown(this.#hashes, rows);
      this.#offsets = grown(this.#offsets, rows + 1);
    }
    const end = (this.#offsets[this.#rows] as number) + length;
    if (end > this.#bytes.length) {
      const more = Buffer.alloc(Math.ceil(end * 1.5));
      more.set(this.#bytes);
      this.#bytes = more;
    }
    if ((this.#rows + 1) * 3 > this.#slots.length * 2) {
      const wider = new Uint32Array(this.#slots.length * 2);
      for (let row = 0; row < this.#rows; row++) this.#place(wider, row);
      this.#slots = wider;
    }
  }
}
