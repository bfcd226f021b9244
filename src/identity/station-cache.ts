const ways = 8;
const fields = 2;
const sets = 1 << 18;
const setWords = ways * fields;

/** Value of a hexadecimal digit by its character code. */
const nibbles = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

/** Not in the cache. */
export const unknown = -2;

/**
 * Where a station's address is found, so that it is hashed once and not with every packet: 16 MB for two million
 * stations, whatever they do. It maps the 48 bits of the address to a row of the table, or to "belongs to nobody" for
 * as long as nothing new has been registered.
 */
export class StationCache {
  /**
   * Two numbers a way: the tag and the value. A set is 64 bytes, as a line of the processor's cache: with a million
   * stations every line that is touched is a wait for the memory. The value is 0 for a free way, row + 1, or with the top
   * bit set the era in which nobody was found.
   */
  #ways = new Uint32Array(sets * setWords);
  #era = 0;
  #victim = 0;

  /** The row, -1 for nobody's, or `unknown`. */
  get(station: string): number {
    const high = highOf(station);
    const mixed = mix(high, lowOf(station));
    const tag = tagOf(high, mixed);
    const first = (mixed & (sets - 1)) * setWords;
    for (let way = first; way < first + setWords; way += fields) {
      if (this.#ways[way] !== tag) continue;
      const value = this.#ways[way + 1] as number;
      if (value === 0) continue;
      if (value < 0x8000_0000) return value - 1;
      return (value & 0x7fff_ffff) === this.#era ? -1 : unknown;
    }
    return unknown;
  }

  set(station: string, row: number) {
    const high = highOf(station);
    const mixed = mix(high, lowOf(station));
    const tag = tagOf(high, mixed);
    const first = (mixed & (sets - 1)) * setWords;
    let chosen = -1;
    for (let way = first; way < first + setWords; way += fields) {
      const isFree = this.#ways[way + 1] === 0;
      if (!isFree && this.#ways[way] === tag) {
        chosen = way;
        break;
      }
      if (chosen < 0 && isFree) chosen = way;
    }
    if (chosen < 0) chosen = first + (this.#victim++ & (ways - 1)) * fields;
    this.#ways[chosen] = tag;
    this.#ways[chosen + 1] = row < 0 ? (0x8000_0000 | this.#era) >>> 0 : row + 1;
  }

  /** Something was registered: whoever belonged to nobody may belong to somebody now. */
  forgetNobodies() {
    this.#era = (this.#era + 1) & 0x7fff_ffff;
  }

  /** A new array is memory that is not there until it is touched. */
  clear() {
    this.#ways = new Uint32Array(sets * setWords);
  }
}

/**
 * The lower 32 bits of an address, each value of them another one for the same upper 16: makers number their devices in
 * sequence, so their low bits alone would do for the set, but a random address has no order.
 */
function mix(high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b);
  return mixed ^ (mixed >>> 15);
}

/** What the set's 18 bits do not say of the address: 14 bits and 16. */
function tagOf(high: number, mixed: number): number {
  return (high << 14) | (mixed >>> 18);
}

function byteAt(station: string, index: number): number {
  const high = nibbles[station.charCodeAt(index * 3)] as number;
  return (high << 4) | (nibbles[station.charCodeAt(index * 3 + 1)] as number);
}

function highOf(station: string): number {
  return (byteAt(station, 0) << 8) | byteAt(station, 1);
}

function lowOf(station: string): number {
  return (byteAt(station, 2) << 24) | (byteAt(station, 3) << 16) | (byteAt(station, 4) << 8) | byteAt(station, 5);
}
