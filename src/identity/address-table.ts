import { deviceClasses, type DeviceClass } from './device-class.ts';
import { grown, isFull, none, place, slotsFor } from './slots.ts';

/** An id is `dev_` and 20 characters of ASCII (runtime/id.ts), of which the table keeps the 20: five words. */
const idPrefix = 'dev_';
const idLength = 24;
const idWords = 5;

/** Words of a record: the upper and the lower half of the hash, the customer, the id. Two of them fill a line of a cache. */
const recordWords = 8;
const lowAt = 1;
const customerAt = 2;
const idAt = 3;

/** Rows that were removed are used again only after this many: see `takeRecycled`. */
const recycleAfter = 4096;

/** By the byte in the table. Nobody said: 0, and not -1 into the list, which would be a slow look-up with every packet. */
const classes: readonly (DeviceClass | undefined)[] = [undefined, ...deviceClasses];

/**
 * Registered addresses: 64 bits of the keyed hash -> device and customer. Records in one array of numbers, and open
 * addressing with linear probing over them: 41 bytes per address where a Map of objects takes 300, and one wait for the
 * memory to know whose a row is. Two of a million addresses share 64 bits once in 37 million installations, and nobody
 * can look for such a pair without the key.
 */
export class AddressTable {
  /** Row + 1, or 0 for a free slot. */
  #slots = slotsFor(512);
  #records = new Int32Array(512 * recordWords);
  /** The same memory. */
  #bytes = new Uint8Array(this.#records.buffer);
  /** Place in `classes`. */
  #class = new Uint8Array(512);
  #rows = 0;
  #size = 0;
  readonly #free: number[] = [];
  readonly #removed: number[] = [];
  /** One id, as words and as bytes. */
  readonly #idWords = new Int32Array(idLength / 4);
  readonly #idBytes = Buffer.from(this.#idWords.buffer);

  constructor() {
    this.#idBytes.write(idPrefix, 'latin1');
  }

  get size(): number {
    return this.#size;
  }

  /** Room for this many addresses at once; more find room as they come. */
  reserve(addresses: number) {
    if (addresses * recordWords <= this.#records.length) return;
    this.#lengthen(addresses);
    const slots = slotsFor(addresses);
    if (slots.length > this.#slots.length) this.#moveTo(slots);
  }

  /** The row of these 64 bits, or `none`. It stays the row of this address until the address is removed. */
  find(high: number, low: number): number {
    const slots = this.#slots;
    const records = this.#records;
    const mask = slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = (slots[slot] as number) - 1;
      if (row === none) return none;
      const record = row * recordWords;
      if (records[record + lowAt] === low && records[record] === high) return row;
    }
  }

  /** The customer's row in the table of customers; `none` for a row that was removed. */
  customer(row: number): number {
    return this.#records[row * recordWords + customerAt] as number;
  }

  deviceId(row: number): string {
    const from = row * recordWords + idAt;
    for (let word = 0; word < idWords; word++) this.#idWords[word + 1] = this.#records[from + word] as number;
    return this.#idBytes.toString('latin1');
  }

  /** `high` and `low` are signed, as 32 bits are in JavaScript. */
  set(high: number, low: number, deviceId: string, customer: number): number {
    if (deviceId.length !== idLength || !deviceId.startsWith(idPrefix))
      throw new RangeError(`"${deviceId}" is not the id of a device`);
    let row = this.find(high, low);
    if (row === none) {
      row = this.#newRow();
      this.#records[row * recordWords] = high;
      this.#records[row * recordWords + lowAt] = low;
      if (isFull(this.#slots, this.#size)) this.#moveTo(new Uint32Array(this.#slots.length * 2));
      place(this.#slots, low, row);
      this.#size += 1;
    }
    this.#records[row * recordWords + customerAt] = customer;
    const from = (row * recordWords + idAt) * 4 - idPrefix.length;
    for (let at = idPrefix.length; at < idLength; at++) this.#bytes[from + at] = deviceId.charCodeAt(at);
    return row;
  }

  setClass(row: number, deviceClass: DeviceClass | undefined) {
    this.#class[row] = classes.indexOf(deviceClass);
  }

  deviceClass(row: number): DeviceClass | undefined {
    return classes[this.#class[row] as number];
  }

  remove(high: number, low: number) {
    const row = this.find(high, low);
    if (row !== none) this.#removeRow(row);
  }

  #removeRow(row: number) {
    this.#unplace(row);
    this.#records[row * recordWords + customerAt] = none;
    this.#removed.push(row);
    this.#size -= 1;
  }

  /** Removes every address of a customer; a look at all of them, so for rare occasions. */
  disown(customer: number) {
    for (let row = 0; row < this.#rows; row++) {
      if (this.customer(row) === customer) this.#removeRow(row);
    }
  }

  /**
   * Whether rows of removed addresses are about to become rows of others. Whoever remembers rows must forget them all
   * then, and finds `none` as the customer of a removed one until then.
   */
  takeRecycled(): boolean {
    if (this.#removed.length < recycleAfter) return false;
    for (const row of this.#removed) this.#free.push(row);
    this.#removed.length = 0;
    return true;
  }

  #newRow(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#rows === this.#class.length) this.#lengthen(Math.ceil(this.#rows * 1.5));
    return this.#rows++;
  }

  #lengthen(rows: number) {
    this.#records = grown(this.#records, rows * recordWords);
    this.#bytes = new Uint8Array(this.#records.buffer);
    this.#class = grown(this.#class, rows);
  }

  #low(row: number): number {
    return this.#records[row * recordWords + lowAt] as number;
  }

  #moveTo(slots: Uint32Array) {
    for (const entry of this.#slots) {
      if (entry !== 0) place(slots, this.#low(entry - 1), entry - 1);
    }
    this.#slots = slots;
  }

  /** Closes the gap: whatever follows in the same run and may stand earlier is moved there, so no slot stays a tomb. */
  #unplace(row: number) {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = this.#low(row) & mask;
    while (slots[gap] !== row + 1) gap = (gap + 1) & mask;
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#low((slots[slot] as number) - 1) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot] as number;
      gap = slot;
    }
    slots[gap] = 0;
  }
}
