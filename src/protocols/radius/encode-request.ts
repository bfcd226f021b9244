import assert from 'node:assert/strict';
import type { Attribute } from './attribute.ts';
import { writeRequestAuthenticator } from './authenticator.ts';
import { attributeType, packetCode } from './dictionary.ts';
import { messageAuthenticatorLength, writeMessageAuthenticator } from './message-authenticator.ts';

const headerLength = 20;

/** The accounting client's side, which the demo, the tests and the benchmarks speak. */
export function encodeAccountingRequest(options: {
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
  readonly secret: Buffer;
  readonly messageAuthenticator?: boolean;
}): Buffer {
  const signed = options.messageAuthenticator === true;
  const packet = assemble(packetCode.accountingRequest, options.identifier, options.attributes, signed);
  if (signed) writeMessageAuthenticator(packet, packet.length - messageAuthenticatorLength, 'zero', options.secret);
  writeRequestAuthenticator(packet, options.secret);
  return packet;
}

/** Asks whether the server is alive (RFC 5997). `authenticator` is sixteen random octets, the caller's to draw. */
export function encodeStatusServer(options: {
  readonly identifier: number;
  readonly authenticator: Buffer;
  readonly attributes?: readonly Attribute[];
  readonly secret: Buffer;
}): Buffer {
  const packet = assemble(packetCode.statusServer, options.identifier, options.attributes ?? [], true);
  options.authenticator.copy(packet, 4, 0, 16);
  writeMessageAuthenticator(packet, packet.length - messageAuthenticatorLength, options.authenticator, options.secret);
  return packet;
}

function assemble(code: number, identifier: number, attributes: readonly Attribute[], signed: boolean): Buffer {
  let length = headerLength + (signed ? messageAuthenticatorLength : 0);
  for (const { value } of attributes) length += value.length + 2;
  assert(length <= 4095, `a packet of ${length} octets is longer than RADIUS allows`);
  const packet = Buffer.alloc(length);
  packet[0] = code;
  packet[1] = identifier;
  packet.writeUInt16BE(length, 2);
  let at = headerLength;
  for (const { type, value } of attributes) {
    packet[at] = type;
    packet[at + 1] = value.length + 2;
    value.copy(packet, at + 2);
    at += value.length + 2;
  }
  if (signed) {
    packet[at] = attributeType.messageAuthenticator;
    packet[at + 1] = messageAuthenticatorLength;
  }
  return packet;
}
