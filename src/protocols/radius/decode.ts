import { verifyRequestAuthenticator } from './authenticator.ts';
import { packetCode } from './dictionary.ts';
import { findMessageAuthenticator, verifyMessageAuthenticator } from './message-authenticator.ts';
import { RadiusPacket } from './packet.ts';

/** Why a datagram is discarded, always silently (RFC 2866, section 3). */
export type RejectReason =
  | 'truncated'
  | 'badLength'
  | 'unexpectedCode'
  | 'badAuthenticator'
  | 'badMessageAuthenticator'
  | 'missingMessageAuthenticator'
  | 'malformedAttribute';

export type Rejected = { readonly type: 'rejected'; readonly reason: RejectReason };

const headerLength = 20;
/** RFC 2866, section 3, and RFC 2865, section 3, which Status-Server follows. */
const maxAccountingLength = 4095;
const maxLength = 4096;

const truncated = rejected('truncated');
const badLength = rejected('badLength');
const unexpectedCode = rejected('unexpectedCode');
const badAuthenticator = rejected('badAuthenticator');
const badMessageAuthenticator = rejected('badMessageAuthenticator');
const missingMessageAuthenticator = rejected('missingMessageAuthenticator');
const malformedAttribute = rejected('malformedAttribute');

/**
 * Checks and opens a request to an accounting server. Nothing but the header is looked at before the packet has proved
 * that its sender knows the secret; Status-Server carries that proof in an attribute, so for it the attributes are walked
 * for that one. Never throws, and never changes the datagram.
 */
export function decodeRequest(
  datagram: Buffer,
  secret: Buffer,
  options: { readonly requireMessageAuthenticator?: boolean | undefined } = {},
): RadiusPacket | Rejected {
  if (datagram.length < headerLength) return truncated;
  const code = datagram[0]!;
  if (code !== packetCode.accountingRequest && code !== packetCode.statusServer) return unexpectedCode;
  const length = (datagram[2]! << 8) | datagram[3]!;
  if (length < headerLength) return badLength;
  if (length > (code === packetCode.accountingRequest ? maxAccountingLength : maxLength)) return badLength;
  if (length > datagram.length) return truncated;
  return code === packetCode.accountingRequest
    ? openAccounting(datagram, length, secret, options.requireMessageAuthenticator === true)
    : openStatusServer(datagram, length, secret);
}

function openAccounting(datagram: Buffer, length: number, secret: Buffer, required: boolean): RadiusPacket | Rejected {
  // An authenticator of zeroes is that of old clients which left it out (RFC 5080, section 2.3.3).
  if (isZero(datagram) || !verifyRequestAuthenticator(datagram, length, secret)) return badAuthenticator;
  const offset = findMessageAuthenticator(datagram, length);
  if (offset === 'none') {
    if (required) return missingMessageAuthenticator;
  } else if (offset === 'invalid') {
    return attributesFit(datagram, length) ? badMessageAuthenticator : malformedAttribute;
  } else if (!verifyMessageAuthenticator(datagram, length, offset, 'zero', secret)) {
    return badMessageAuthenticator;
  }
  return open(datagram, length);
}

/** RFC 5997, section 3: the authenticator is random, and the Message-Authenticator covers it. */
function openStatusServer(datagram: Buffer, length: number, secret: Buffer): RadiusPacket | Rejected {
  const offset = findMessageAuthenticator(datagram, length);
  if (offset === 'none') return missingMessageAuthenticator;
  if (offset === 'invalid') return attributesFit(datagram, length) ? badMessageAuthenticator : malformedAttribute;
  const field = datagram.subarray(4, headerLength);
  if (!verifyMessageAuthenticator(datagram, length, offset, field, secret)) return badMessageAuthenticator;
  return open(datagram, length);
}

/** An attribute with an invalid length discards the whole packet (RFC 2866, section 5). */
function open(datagram: Buffer, length: number): RadiusPacket | Rejected {
  if (!attributesFit(datagram, length)) return malformedAttribute;
  return new RadiusPacket(length === datagram.length ? datagram : datagram.subarray(0, length));
}

function attributesFit(packet: Buffer, length: number): boolean {
  let at = headerLength;
  while (at + 2 <= length) {
    const attributeLength = packet[at + 1]!;
    if (attributeLength < 2) return false;
    at += attributeLength;
  }
  return at === length;
}

function isZero(packet: Buffer): boolean {
  for (let i = 4; i < headerLength; i += 1) {
    if (packet[i] !== 0) return false;
  }
  return true;
}

function rejected(reason: RejectReason): Rejected {
  return Object.freeze({ type: 'rejected', reason });
}
