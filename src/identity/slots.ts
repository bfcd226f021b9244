/** Stands for no row. */
export const none = -1;

/** Free slots of open addressing with linear probing: a power of two, at most two thirds of which `rows` fill. */
export function slotsFor(rows: number): Uint32Array {
  return new Uint32Array(2 ** Math.ceil(Math.log2((Math.max(rows, 1) + 1) * 1.5)));
}

/** Row + 1 goes into the first free slot behind the key's own. */
export function place(slots: Uint32Array, key: number, row: number) {
  const mask = slots.length - 1;
  let slot = key & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = row + 1;
}

/** Whether one more row would fill more than two thirds. */
export function isFull(slots: Uint32Array, rows: number): boolean {
  return (rows + 1) * 3 > slots.length * 2;
}

/** A longer copy. */
export function grown<Column extends Uint8Array | Int32Array>(column: Column, length: number): Column {
  const longer = new (column.constructor as new (length: number) => Column)(length);
  longer.set(column);
  return longer;
}
