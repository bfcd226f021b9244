import { writeResponseAuthenticator } from './authenticator.ts';
import { attributeType, packetCode } from './dictionary.ts';
import { messageAuthenticatorLength, writeMessageAuthenticator } from './message-authenticator.ts';
import type { RadiusPacket } from './packet.ts';

const headerLength = 20;

/**
 * Acknowledges an Accounting-Request: the request's Proxy-States unchanged and in order (RFC 2865, section 5.33) and nothing
 * else. A Message-Authenticator is left out, since clients disagree on how it is computed here and some reject it.
 */
export function encodeAccountingResponse(request: RadiusPacket, secret: Buffer): Buffer {
  const response = assemble(request, 0);
  writeResponseAuthenticator(response, secret);
  return response;
}

/** Answers Status-Server on an accounting port (RFC 5997, section 4.2: with the code of an accounting answer). */
export function encodeStatusResponse(request: RadiusPacket, secret: Buffer): Buffer {
  const response = assemble(request, messageAuthenticatorLength);
  response[headerLength] = attributeType.messageAuthenticator;
  response[headerLength + 1] = messageAuthenticatorLength;
  writeMessageAuthenticator(response, headerLength, request.authenticator, secret);
  writeResponseAuthenticator(response, secret);
  return response;
}

/** Header with the request's authenticator, `room` free bytes, and the Proxy-States. */
function assemble(request: RadiusPacket, room: number): Buffer {
  const bytes = request.bytes;
  let length = headerLength + room;
  for (let at = firstProxyState(request); at !== -1; at = nextProxyState(request, at)) length += bytes[at + 1]!;
  const response = Buffer.allocUnsafe(length);
  response[0] = packetCode.accountingResponse;
  response[1] = request.identifier;
  response[2] = length >> 8;
  response[3] = length & 0xff;
  bytes.copy(response, 4, 4, headerLength);
  let to = headerLength + room;
  for (let at = firstProxyState(request); at !== -1; at = nextProxyState(request, at)) {
    to += bytes.copy(response, to, at, request.next(at));
  }
  return response;
}

function firstProxyState(request: RadiusPacket): number {
  return request.find(attributeType.proxyState);
}

function nextProxyState(request: RadiusPacket, at: number): number {
  return request.find(attributeType.proxyState, request.next(at));
}
