const ways = 4;
const fields = 3;
const sets = 1 << 18;

/** Value of a hexadecimal digit by its character code. */
const nibbles = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

/** Not in the cache. */
export const unknown = -2;

/**
 * Where a station's address is found, so that it is hashed once and not with every packet: a fixed 12 MB for a million
 * stations, whatever they do. It maps the 48 bits of the address to a row of the table, or to "belongs to nobody" for
 * as long as nothing new has been registered.
 */
export class StationCache {
  /**
   * Three numbers a way: the address's upper 16 bits, its lower 32, and the value. They lie together, because with a
   * million stations every array that is touched is a wait for the memory. The value is 0 for a free way, row + 1, or
   * with the top bit set the era in which nobody was found.
   */
  readonly #ways = new Uint32Array(sets * ways * fields);
  #era = 0;
  #victim = 0;

  /** The row, -1 for nobody's, or `unknown`. */
  get(station: string): number {
    const high = highOf(station);
    const low = lowOf(station);
    const first = firstWay(high, low);
    for (let way = first; way < first + ways * fields; way += fields) {
      if (this.#ways[way + 1] !== low || this.#ways[way] !== high) continue;
      const value = this.#ways[way + 2] as number;
      if (value === 0) return unknown;
      if (value < 0x8000_0000) return value - 1;
      return (value & 0x7fff_ffff) === this.#era ? -1 : unknown;
    }
    return unknown;
  }

  set(station: string, row: number) {
    const high = highOf(station);
    const low = lowOf(station);
    const first = firstWay(high, low);
    let chosen = -1;
    for (let way = first; way < first + ways * fields; way += fields) {
      if (this.#ways[way + 1] === low && this.#ways[way] === high) {
        chosen = way;
        break;
      }
      if (chosen < 0 && this.#ways[way + 2] === 0) chosen = way;
    }
    if (chosen < 0) chosen = first + (this.#victim++ & (ways - 1)) * fields;
    this.#ways[chosen] = high;
    this.#ways[chosen + 1] = low;
    this.#ways[chosen + 2] = row < 0 ? (0x8000_0000 | this.#era) >>> 0 : row + 1;
  }

  /** Something was registered: whoever belonged to nobody may belong to somebody now. */
  forgetNobodies() {
    this.#era = (this.#era + 1) & 0x7fff_ffff;
  }

  clear() {
    this.#ways.fill(0);
  }
}

function firstWay(high: number, low: number): number {
  // Makers number their devices in sequence, so the low bits alone would do, but a random address has no order.
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b);
  return ((mixed ^ (mixed >>> 15)) & (sets - 1)) * ways * fields;
}

function byteAt(station: string, index: number): number {
  const high = nibbles[station.charCodeAt(index * 3)] as number;
  return (high << 4) | (nibbles[station.charCodeAt(index * 3 + 1)] as number);
}

function highOf(station: string): number {
  return (byteAt(station, 0) << 8) | byteAt(station, 1);
}

function lowOf(station: string): number {
  const bits = (byteAt(station, 2) << 24) | (byteAt(station, 3) << 16) | (byteAt(station, 4) << 8) | byteAt(station, 5);
  return bits >>> 0;
}
