import { attributeType, type VendorAttribute } from './dictionary.ts';
import { readText } from './text.ts';

const headerLength = 20;

/**
 * A request whose authenticity and attribute lengths were checked. Attributes are found by walking the bytes when they
 * are asked for: a packet has about fifteen, and most are never looked at.
 */
export class RadiusPacket {
  readonly type = 'packet';
  /** Exactly the packet: padding after its Length is cut off. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get code(): number {
    return this.bytes[0]!;
  }

  get identifier(): number {
    return this.bytes[1]!;
  }

  get authenticator(): Buffer {
    return this.bytes.subarray(4, headerLength);
  }

  /** Offset of the next attribute of this type, or -1. */
  find(type: number, from: number = headerLength): number {
    const bytes = this.bytes;
    for (let at = from; at < bytes.length; at += bytes[at + 1]!) {
      if (bytes[at] === type) return at;
    }
    return -1;
  }

  /** The offset after the attribute at `offset`. */
  next(offset: number): number {
    return offset + this.bytes[offset + 1]!;
  }

  /** The first attribute of this type as text; undefined when it is absent or empty. */
  text(type: number): string | undefined {
    const at = this.find(type);
    return at === -1 ? undefined : this.textAt(at);
  }

  textAt(offset: number): string | undefined {
    const text = readText(this.bytes, offset + 2, this.next(offset));
    return text === '' ? undefined : text;
  }

  /** The first attribute of this type as an unsigned number; undefined when it is absent or not four octets long. */
  integer(type: number): number | undefined {
    const at = this.find(type);
    if (at === -1 || this.bytes[at + 1] !== 6) return undefined;
    const bytes = this.bytes;
    return bytes[at + 2]! * 0x1_00_00_00 + ((bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!);
  }

  /** The first attribute of this type as it is, without a copy. */
  octets(type: number): Buffer | undefined {
    const at = this.find(type);
    return at === -1 ? undefined : this.bytes.subarray(at + 2, this.next(at));
  }

  /** All values of the vendor's attribute, over every Vendor-Specific attribute of the packet, as text. */
  *vendorTexts(wanted: VendorAttribute): Generator<string> {
    const bytes = this.bytes;
    for (let at = this.find(attributeType.vendorSpecific); at !== -1;) {
      const end = this.next(at);
      // Vendor id and at least one attribute header (RFC 2865, section 5.26). A vendor may use another format inside,
      // so what doesn't parse is no error: it is just not what is looked for.
      if (end - at >= 8 && bytes.readUInt32BE(at + 2) === wanted.vendor) {
        for (let sub = at + 6; sub + 2 <= end;) {
          const subEnd = sub + bytes[sub + 1]!;
          if (subEnd < sub + 2 || subEnd > end) break;
          if (bytes[sub] === wanted.type) yield readText(bytes, sub + 2, subEnd);
          sub = subEnd;
        }
      }
      at = this.find(attributeType.vendorSpecific, end);
    }
  }

  /** The first non-empty value of the vendor's attribute. */
  vendorText(wanted: VendorAttribute): string | undefined {
    for (const text of this.vendorTexts(wanted)) {
      if (text !== '') return text;
    }
    return undefined;
  }
}
