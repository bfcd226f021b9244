import { createHash, createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Attribute } from '../../../src/protocols/radius/attribute.ts';
import { verifyResponseAuthenticator } from '../../../src/protocols/radius/authenticator.ts';
import { decodeRequest } from '../../../src/protocols/radius/decode.ts';
import { encodeAccountingRequest, encodeStatusServer } from '../../../src/protocols/radius/encode-request.ts';
import { encodeAccountingResponse, encodeStatusResponse } from '../../../src/protocols/radius/encode-response.ts';
import type { RadiusPacket } from '../../../src/protocols/radius/packet.ts';
import { NasClocks } from '../../../src/sources/radius/nas-clocks.ts';
import { mapAccounting } from '../../../src/sources/radius/map.ts';

const buffers = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Buffer> =>
  fc.uint8Array(constraints).map((bytes) => Buffer.from(bytes));
const secrets = buffers({ minLength: 1, maxLength: 80 });
const attributes: fc.Arbitrary<Attribute[]> = fc.array(
  fc.record({
    // Not the Message-Authenticator, which is the encoder's to place.
    type: fc.integer({ min: 1, max: 255 }).filter((type) => type !== 80),
    value: buffers({ maxLength: 253 }),
  }),
  { maxLength: 14 },
);
const identifier = fc.nat({ max: 255 });

function attributesOf(packet: RadiusPacket): Attribute[] {
  const found: Attribute[] = [];
  for (let at = 20; at < packet.bytes.length; at = packet.next(at)) {
    found.push({ type: packet.bytes[at]!, value: Buffer.from(packet.bytes.subarray(at + 2, packet.next(at))) });
  }
  return found;
}

test('what is encoded is decoded, with and without a Message-Authenticator', () => {
  fc.assert(
    fc.property(attributes, secrets, identifier, fc.boolean(), (list, secret, id, messageAuthenticator) => {
      const datagram = encodeAccountingRequest({ identifier: id, attributes: list, secret, messageAuthenticator });
      const packet = decodeRequest(datagram, secret) as RadiusPacket;
      expect(packet).toMatchObject({ type: 'packet', code: 4, identifier: id });
      const found = attributesOf(packet);
      expect(messageAuthenticator ? found.slice(0, -1) : found).toEqual(list);
      expect(
        encodeAccountingRequest({ identifier: id, attributes: list, secret, messageAuthenticator }).equals(datagram),
      ).toBe(true);
    }),
  );
});

test('both digests are those of the library', () => {
  fc.assert(
    fc.property(attributes, secrets, (list, secret) => {
      const packet = encodeAccountingRequest({ identifier: 1, attributes: list, secret, messageAuthenticator: true });
      const zeroed = Buffer.from(packet).fill(0, 4, 20);
      expect(createHash('md5').update(zeroed).update(secret).digest().equals(packet.subarray(4, 20))).toBe(true);
      zeroed.fill(0, zeroed.length - 16);
      expect(createHmac('md5', secret).update(zeroed).digest().equals(packet.subarray(-16))).toBe(true);
    }),
  );
});

test('another secret never opens a packet', () => {
  fc.assert(
    fc.property(attributes, secrets, secrets, (list, secret, other) => {
      fc.pre(!secret.equals(other));
      const packet = encodeAccountingRequest({ identifier: 1, attributes: list, secret });
      expect(decodeRequest(packet, other)).toMatchObject({ reason: 'badAuthenticator' });
    }),
  );
});

test('a flipped bit anywhere is noticed', () => {
  fc.assert(
    fc.property(attributes, secrets, fc.nat(), (list, secret, position) => {
      const packet = encodeAccountingRequest({ identifier: 1, attributes: list, secret });
      packet[position % packet.length]! ^= 1 << (position % 8);
      expect(decodeRequest(packet, secret).type).toBe('rejected');
    }),
  );
});

test('no bytes under a right authenticator make decoding or mapping throw', () => {
  const secret = Buffer.from('sixteen-or-more-characters');
  const origin = {
    sourceId: 'aps',
    spaceId: 'hq',
    senderAddress: '192.0.2.77',
    clocks: new NasClocks(),
    lateWindow: 86_400_000,
  };
  const outcomes = ['observation', 'nasReset', 'ignored', 'malformedAttribute', 'badMessageAuthenticator'];
  const likely = fc.array(
    fc.record({
      type: fc.constantFrom(1, 4, 26, 30, 31, 32, 33, 40, 41, 42, 44, 46, 52, 55, 80, 89, 95),
      length: fc.oneof({ weight: 1, arbitrary: fc.nat({ max: 255 }) }, { weight: 4, arbitrary: fc.constant(-1) }),
      value: buffers({ maxLength: 40 }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(likely, (list) => {
      const body = Buffer.concat(
        [Buffer.of(40, 6, 0, 0, 0, 3)].concat(
          list.map(({ type, length, value }) =>
            Buffer.concat([Buffer.of(type, length < 0 ? value.length + 2 : length), value]),
          ),
        ),
      );
      const header = Buffer.concat([Buffer.of(4, 1, 0, 0), Buffer.alloc(16)]);
      header.writeUInt16BE(20 + body.length, 2);
      const packet = Buffer.concat([header, body]);
      createHash('md5').update(packet).update(secret).digest().copy(packet, 4);
      const decoded = decodeRequest(packet, secret);
      const what = decoded.type === 'packet' ? mapAccounting(decoded, 1_795_510_800_000, origin).type : decoded.reason;
      expect(outcomes).toContain(what);
    }),
    { numRuns: 3000 },
  );
});

test('an answer repeats every Proxy-State in order, and nothing else', () => {
  fc.assert(
    fc.property(attributes, secrets, identifier, (list, secret, id) => {
      const request = encodeAccountingRequest({ identifier: id, attributes: list, secret });
      const packet = decodeRequest(request, secret) as RadiusPacket;
      const answer = encodeAccountingResponse(packet, secret);
      expect([answer[0], answer[1], answer.readUInt16BE(2)]).toEqual([5, id, answer.length]);
      expect(verifyResponseAuthenticator(answer, packet.authenticator, secret)).toBe(true);
      const echoed = list
        .filter(({ type }) => type === 33)
        .map(({ type, value }) => Buffer.concat([Buffer.of(type, value.length + 2), value]));
      expect(answer.subarray(20).equals(Buffer.concat(echoed))).toBe(true);
    }),
  );
});

test('the answer to Status-Server carries a Message-Authenticator over the authenticator of the request', () => {
  const secret = Buffer.from('xyzzy5461');
  const authenticator = Buffer.from('925f6b66dd5fed571fcb1db7ad388260', 'hex');
  const proxyState = { type: 33, value: Buffer.from('a') };
  const request = encodeStatusServer({ identifier: 179, authenticator, attributes: [proxyState], secret });
  const answer = encodeStatusResponse(decodeRequest(request, secret) as RadiusPacket, secret);
  expect([answer[0], answer[1]]).toEqual([5, 179]);
  expect(verifyResponseAuthenticator(answer, authenticator, secret)).toBe(true);
  const unsigned = Buffer.from(answer).fill(0, 22, 38);
  authenticator.copy(unsigned, 4);
  expect(createHmac('md5', secret).update(unsigned).digest().equals(answer.subarray(22, 38))).toBe(true);
  expect(answer.subarray(38).equals(Buffer.of(33, 3, 0x61))).toBe(true);
});

test('the answer of RFC 5997, section 6.2 verifies (with the code 5 that the text means)', () => {
  const answer = Buffer.from('05b300140f6f92145f107e2f504e860a4860669c', 'hex');
  const authenticator = Buffer.from('925f6b66dd5fed571fcb1db7ad388260', 'hex');
  expect(verifyResponseAuthenticator(answer, authenticator, Buffer.from('xyzzy5461'))).toBe(true);
  expect(verifyResponseAuthenticator(answer, authenticator, Buffer.from('xyzzy5462'))).toBe(false);
  expect(verifyResponseAuthenticator(answer.subarray(0, 19), authenticator, Buffer.from('xyzzy5461'))).toBe(false);
});
