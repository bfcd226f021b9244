import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isLocallyAdministered, type MacAddress } from './mac-address.ts';

/** How many hexadecimal digits of an address are a vendor's: blocks of 36, 28 and 24 bits (IEEE MA-S, MA-M, MA-L). */
const prefixLengths = [9, 7, 6] as const;

/** The block was sold on in smaller ones, or its owner is not told. */
const unnamed = new Set(['IEEE Registration Authority', 'Private']);

const newline = 0x0a;
const quote = 0x22;
/** Of an entry, in bytes; the names end long before. */
const longestEntry = 512;
/** There were 53,730 entries in 2026. */
const slots = 131_072;
const mostEntries = 120_000;

/**
 * Who registered the block that an address is from, as the IEEE's public list has it; null for an address that the
 * device made up, and for a block that is nobody's. A hint for people: it says who made the radio, never whose it is.
 */
export function vendorOf(mac: MacAddress): string | null {
  if (isLocallyAdministered(mac)) return null;
  list ??= readList();
  const digits = mac.replaceAll('-', '');
  for (const length of prefixLengths) {
    const prefix = digits.slice(0, length);
    const slot = slotOf(list.prefixes, numberOf(prefix));
    if (list.prefixes[slot] !== 0) return readName(list.file, prefix, list.offsets[slot] as number);
  }
  return null;
}

/**
 * Where each block's entry lies in the file of the package `oui-data`, as a hash table with open addressing: 1.5 MB, made
 * in some 50 ms. The file parsed as the JSON that it is takes 250 ms in which nothing else happens, and then 16 MB for
 * names that hardly anybody asks for.
 */
type List = {
  readonly file: string;
  /** A block as `numberOf` has it, 0 where a slot is free, and beside it where its entry begins. */
  readonly prefixes: Float64Array;
  readonly offsets: Uint32Array;
};

/** Read when somebody first asks: a service that shows no device never needs it. */
let list: List | undefined;

/** One line an entry: ` "001122": "VENDOR\nSTREET\nCOUNTRY",`, in no order that can be relied on. */
function readList(): List {
  const file = createRequire(import.meta.url).resolve('oui-data');
  const content = readFileSync(file);
  const prefixes = new Float64Array(slots);
  const offsets = new Uint32Array(slots);
  for (let start = content.indexOf(quote), entries = 0; start !== -1; entries += 1) {
    // A list that has outgrown the table is cut off rather than searched for ever.
    if (entries === mostEntries) break;
    let end = start + 1;
    let prefix = 1;
    for (; content[end] !== quote; end += 1) prefix = prefix * 16 + digitOf(content[end] as number);
    const slot = slotOf(prefixes, prefix);
    prefixes[slot] = prefix;
    offsets[slot] = start;
    const next = content.indexOf(newline, end);
    start = next === -1 ? -1 : content.indexOf(quote, next);
  }
  return { file, prefixes, offsets };
}

/** A digit in front, so that `001122` and `0011220` are two numbers. */
function numberOf(digits: string): number {
  return Number.parseInt(`1${digits}`, 16);
}

/** Of an upper-case digit, by its character code. */
function digitOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x37;
}

/** The slot that holds the block, or the free one where it belongs. */
function slotOf(prefixes: Float64Array, prefix: number): number {
  let slot = (Math.imul(prefix % 0x1_0000_0000, 0x9e37_79b1) >>> 0) % slots;
  while (prefixes[slot] !== 0 && prefixes[slot] !== prefix) slot = (slot + 1) % slots;
  return slot;
}

/** Null also when the file is another one by now, as while the package is being updated. */
function readName(file: string, prefix: string, offset: number): string | null {
  const entry = Buffer.alloc(longestEntry);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, entry, 0, longestEntry, offset);
  closeSync(descriptor);
  const [, digits, name = ''] = /^"([0-9A-F]+)": "((?:[^"\\]|\\[^n])*)/.exec(entry.toString('utf8', 0, length)) ?? [];
  const spelt = name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name;
  return digits === prefix && spelt !== '' && !unnamed.has(spelt) ? spelt : null;
}
