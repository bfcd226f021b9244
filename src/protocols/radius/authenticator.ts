import { hash, timingSafeEqual } from 'node:crypto';

/**
 * The MD5 digests over a packet and the shared secret (RFC 2866, section 3). Requests and responses differ only in what
 * stands in the authenticator field meanwhile: sixteen zero bytes, or the authenticator of the request.
 */

const headerLength = 20;
const expected = Buffer.alloc(16);
/** Packet and secret have to lie in one piece to be hashed in one call, which costs half of what a hash object costs. */
let scratch = Buffer.alloc(8192);

/** Compares in constant time. `length` is the packet's Length field; anything after it is padding. */
export function verifyRequestAuthenticator(packet: Buffer, length: number, secret: Buffer): boolean {
  packet.copy(reserve(length + secret.length), 0, 0, length);
  scratch.fill(0, 4, headerLength);
  expected.write(digest(length, secret), 0, 16, 'binary');
  return timingSafeEqual(expected, packet.subarray(4, headerLength));
}

/** Signs a request in place: its authenticator field is overwritten. */
export function writeRequestAuthenticator(packet: Buffer, secret: Buffer): void {
  packet.fill(0, 4, headerLength);
  packet.copy(reserve(packet.length + secret.length));
  packet.write(digest(packet.length, secret), 4, 16, 'binary');
}

/** Signs a response in place, whose authenticator field holds the request's authenticator until then. */
export function writeResponseAuthenticator(response: Buffer, secret: Buffer): void {
  response.copy(reserve(response.length + secret.length));
  response.write(digest(response.length, secret), 4, 16, 'binary');
}

/** Whether a response is the answer to the request with this authenticator (RFC 2865, section 3). */
export function verifyResponseAuthenticator(response: Buffer, requestAuthenticator: Buffer, secret: Buffer): boolean {
  if (response.length < headerLength || response.readUInt16BE(2) !== response.length) return false;
  response.copy(reserve(response.length + secret.length));
  requestAuthenticator.copy(scratch, 4, 0, 16);
  expected.write(digest(response.length, secret), 0, 16, 'binary');
  return timingSafeEqual(expected, response.subarray(4, headerLength));
}

function reserve(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.alloc(length * 2);
  return scratch;
}

/**
 * Digest of the scratch buffer's first `length` bytes and the secret, as sixteen characters of one byte each, which loses nothing;
 * a string is made in half the time of a Buffer.
 */
function digest(length: number, secret: Buffer): string {
  secret.copy(scratch, length);
  return hash('md5', scratch.subarray(0, length + secret.length), 'binary');
}
