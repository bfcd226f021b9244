/** A station's 48-bit address in the one spelling used everywhere: `00-00-5E-00-53-01` (RFC 7042, upper case, dashes). */
export type MacAddress = string & { readonly __brand: 'MacAddress' };

const upperHex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));

/** Value of a hexadecimal digit by its character code, -1 for every other character below 128. */
const digitValues = Int8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

const dash = 0x2d;
const separators = new Set([dash, 0x3a, 0x2e, 0x20]);

/** Digits between separators, which the length of the text gives away; 0 where no spelling has that length. */
function macGroupSize(length: number): number {
  switch (length) {
    case 17:
      return 2;
    case 14:
      return 4;
    case 13:
      return 6;
    case 12:
      return 12;
    default:
      return 0;
  }
}

/**
 * Reads every spelling that access points send: pairs, groups of four or six, or none; separated by `-`, `:`, `.` or a
 * space; in either case. Undefined for other text, and for what no station can have: all zero, multicast, broadcast.
 */
export function parseMacAddress(text: string): MacAddress | undefined {
  if (isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(text.length - 1))) return parseMacAddress(text.trim());
  const group = macGroupSize(text.length);
  if (group === 0) return undefined;
  const separator = group === 12 ? 0 : text.charCodeAt(group);
  if (group !== 12 && !separators.has(separator)) return undefined;
  // Two halves, because the bit operators of JavaScript end at 32 bits.
  let high = 0;
  let low = 0;
  let lowerCase = false;
  for (let i = 0, digits = 0, room = group; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (room === 0) {
      if (code !== separator) return undefined;
      room = group;
      continue;
    }
    const value = code < 128 ? digitValues[code]! : -1;
    if (value < 0) return undefined;
    if (code > 0x60) lowerCase = true;
    if (digits < 6) high = (high << 4) | value;
    else low = (low << 4) | value;
    digits += 1;
    room -= 1;
  }
  if (!isStation(high, low)) return undefined;
  return separator === dash && group === 2 && !lowerCase ? (text as MacAddress) : format(high, low);
}

/** Whether text is spelt like an address, be it one that no station can have. */
export function isMacSpelling(text: string): boolean {
  const group = macGroupSize(text.length);
  const digits = '[0-9A-Fa-f]';
  return (
    group !== 0 &&
    new RegExp(`^${digits}{${group}}(?:([-:. ])${digits}{${group}}(?:\\1${digits}{${group}})*)?$`).test(text)
  );
}

/** The address in six raw bytes, as some Huawei controllers send it and as DHCP and ARP carry it. */
export function macFromBytes(bytes: Uint8Array, offset = 0): MacAddress | undefined {
  if (bytes.length < offset + 6) return undefined;
  const high = (bytes[offset]! << 16) | (bytes[offset + 1]! << 8) | bytes[offset + 2]!;
  const low = (bytes[offset + 3]! << 16) | (bytes[offset + 4]! << 8) | bytes[offset + 5]!;
  return isStation(high, low) ? format(high, low) : undefined;
}

export function toBytes(mac: MacAddress): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let i = 0; i < 6; i += 1) {
    bytes[i] = (digitValues[mac.charCodeAt(i * 3)]! << 4) | digitValues[mac.charCodeAt(i * 3 + 1)]!;
  }
  return bytes;
}

/** Whether the address was made up by the device (IEEE 802, bit 1 of the first octet): a hint at a random address, no proof. */
export function isLocallyAdministered(mac: MacAddress): boolean {
  return (digitValues[mac.charCodeAt(1)]! & 2) !== 0;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isStation(high: number, low: number): boolean {
  const multicast = (high & 0x01_00_00) !== 0;
  return !multicast && (high | low) !== 0;
}

function format(high: number, low: number): MacAddress {
  return `${upperHex[high >> 16]!}-${upperHex[(high >> 8) & 255]!}-${upperHex[high & 255]!}-${upperHex[low >> 16]!}-${upperHex[(low >> 8) & 255]!}-${upperHex[low & 255]!}` as MacAddress;
}
