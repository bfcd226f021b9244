import { deviceClasses, type DeviceClass } from './device-class.ts';

/** Stands for no row. */
export const none = -1;

/** `dev_` and 20 characters of ASCII (runtime/id.ts). */
const idLength = 24;

/** Rows that were removed are used again only after this many: see `takeRecycled`. */
const recycleAfter = 4096;

/** By the byte in the table. Nobody said: 0, and not -1 into the list, which would be a slow look-up with every packet. */
const classes: readonly (DeviceClass | undefined)[] = [undefined, ...deviceClasses];

/**
 * Registered addresses: 64 bits of the keyed hash -> device and customer. Columns of numbers instead of objects, and
 * open addressing with linear probing over them: 45 bytes per address where a Map of objects takes 300. Two of a
 * million addresses share 64 bits once in 37 million installations, and nobody can look for such a pair without the key.
 */
export class AddressTable {
  /** Row + 1, or 0 for a free slot. Always a power of two, and at most two thirds full. */
  #slots = new Uint32Array(1024);
  #high = new Uint32Array(512);
  #low = new Uint32Array(512);
  #customer = new Int32Array(512);
  #device = Buffer.alloc(512 * idLength);
  /** Place in `classes`. */
  #class = new Uint8Array(512);
  #rows = 0;
  #size = 0;
  readonly #free: number[] = [];
  readonly #removed: number[] = [];

  get size(): number {
    return this.#size;
  }

  /** The row of these 64 bits, or `none`. It stays the row of this address until the address is removed. */
  find(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = (slots[slot] as number) - 1;
      if (row === none) return none;
      if (this.#low[row] === low && this.#high[row] === high) return row;
    }
  }

  /** The customer's row in the table of customers; `none` for a row that was removed. */
  customer(row: number): number {
    return this.#customer[row] as number;
  }

  deviceId(row: number): string {
    return this.#device.toString('latin1', row * idLength, (row + 1) * idLength);
  }

  set(high: number, low: number, deviceId: string, customer: number): number {
    if (deviceId.length !== idLength) throw new RangeError(`"${deviceId}" is not the id of a device`);
    let row = this.find(high, low);
    if (row === none) {
      row = this.#newRow();
      this.#high[row] = high;
      this.#low[row] = low;
      if ((this.#size + 1) * 3 > this.#slots.length * 2) this.#widen();
      place(this.#slots, low, row);
      this.#size += 1;
    }
    this.#customer[row] = customer;
    this.#device.write(deviceId, row * idLength, 'latin1');
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
    this.#customer[row] = none;
    this.#removed.push(row);
    this.#size -= 1;
  }

  /** Removes every address of a customer; a look at all of them, so for rare occasions. */
  disown(customer: number) {
    for (let row = 0; row < this.#rows; row++) {
      if (this.#customer[row] === customer) this.#removeRow(row);
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
    if (this.#rows === this.#high.length) {
      const length = Math.ceil(this.#rows * 1.5);
      this.#high = grown(this.#high, length);
      this.#low = grown(this.#low, length);
      this.#customer = grown(this.#customer, length);
      this.#class = grown(this.#class, length);
      const device = Buffer.alloc(length * idLength);
      device.set(this.#device);
      this.#device = device;
    }
    return this.#rows++;
  }

  #widen() {
    const wider = new Uint32Array(this.#slots.length * 2);
    for (const entry of this.#slots) {
      if (entry !== 0) place(wider, this.#low[entry - 1] as number, entry - 1);
    }
    this.#slots = wider;
  }

  /** Closes the gap: whatever follows in the same run and may stand earlier is moved there, so no slot stays a tomb. */
  #unplace(row: number) {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = (this.#low[row] as number) & mask;
    while (slots[gap] !== row + 1) gap = (gap + 1) & mask;
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#low[(slots[slot] as number) - 1] as number) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot] as number;
      gap = slot;
    }
    slots[gap] = 0;
  }
}

function place(slots: Uint32Array, key: number, row: number) {
  const mask = slots.length - 1;
  let slot = key & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = row + 1;
}

/** A longer copy. */
export function grown<Column extends Uint8Array | Uint32Array | Int32Array>(column: Column, length: number): Column {
  const longer = new (column.constructor as new (length: number) => Column)(length);
  longer.set(column);
  return longer;
}
