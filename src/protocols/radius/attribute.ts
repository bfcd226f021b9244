import assert from 'node:assert/strict';

/** An attribute to be sent: its type and its value without the header. */
export type Attribute = { readonly type: number; readonly value: Buffer };

/** What an attribute's one length octet leaves room for (RFC 2865, section 5). */
export const maxValueLength = 253;

export function octetsAttribute(type: number, value: Buffer): Attribute {
  assert(value.length <= maxValueLength, `attribute ${type} has ${value.length} octets, more than ${maxValueLength}`);
  return { type, value };
}

export function textAttribute(type: number, text: string): Attribute {
  return octetsAttribute(type, Buffer.from(text, 'utf8'));
}

/** Unsigned, 32 bits; also for times in seconds. */
export function integerAttribute(type: number, value: number): Attribute {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return { type, value: octets };
}

/** An IPv4 address in dotted form. */
export function addressAttribute(type: number, address: string): Attribute {
  const octets = address.split('.').map(Number);
  assert(octets.length === 4 && octets.every((octet) => octet >= 0 && octet <= 255), `"${address}" is no IPv4 address`);
  return { type, value: Buffer.from(octets) };
}
