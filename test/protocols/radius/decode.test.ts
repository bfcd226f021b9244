import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { integerAttribute, octetsAttribute, textAttribute } from '../../../src/protocols/radius/attribute.ts';
import { decodeRequest } from '../../../src/protocols/radius/decode.ts';
import { attributeType, vendorAttribute } from '../../../src/protocols/radius/dictionary.ts';
import { encodeAccountingRequest, encodeStatusServer } from '../../../src/protocols/radius/encode-request.ts';
import type { RadiusPacket } from '../../../src/protocols/radius/packet.ts';
import { parseRadiusText } from '../../support/radius-text.ts';

const secret = Buffer.from('sixteen-or-more-characters');
const start = integerAttribute(attributeType.acctStatusType, 1);

/** A signed packet around any bytes, attributes or not, made with the library's digest objects rather than our code. */
function sign(body: Buffer, length = 20 + body.length): Buffer {
  const packet = Buffer.concat([Buffer.of(4, 1, length >> 8, length & 255), Buffer.alloc(16), body]);
  createHash('md5').update(packet.subarray(0, length)).update(secret).digest().copy(packet, 4);
  return packet;
}

/** Attributes of an unknown type that fill `length` octets. */
function fill(length: number): Buffer {
  const attributes: Buffer[] = [];
  for (let left = length; left > 0; left -= attributes.at(-1)!.length) {
    // A rest of one octet could not be an attribute.
    const size = left === 256 ? 254 : Math.min(255, left);
    attributes.push(Buffer.concat([Buffer.of(200, size), Buffer.alloc(size - 2)]));
  }
  return Buffer.concat(attributes);
}

function resign(packet: Buffer): Buffer {
  return sign(packet.subarray(20));
}

function outcome(datagram: Buffer, key = secret, options = {}): string {
  const decoded = decodeRequest(datagram, key, options);
  return decoded.type === 'packet' ? 'packet' : decoded.reason;
}

function open(datagram: Buffer): RadiusPacket {
  const decoded = decodeRequest(datagram, secret);
  if (decoded.type === 'rejected') throw new Error(decoded.reason);
  return decoded;
}

type Vector = { readonly name: string; readonly secret: string; readonly hex: string; readonly result: string };
const file = readFileSync(new URL('../../../fixtures/syntax/radius-packets.json', import.meta.url), 'utf8');

test.each((JSON.parse(file) as { vectors: Vector[] }).vectors)('$name: $result', (vector) => {
  expect(outcome(Buffer.from(vector.hex, 'hex'), Buffer.from(vector.secret))).toBe(vector.result);
});

describe('length', () => {
  test('a datagram shorter than a header is truncated', () => {
    for (let length = 0; length < 20; length += 1)
      expect(outcome(sign(Buffer.alloc(0)).subarray(0, length))).toBe('truncated');
  });

  test('a Length below 20 is refused', () => {
    expect(outcome(Buffer.concat([Buffer.of(4, 1, 0, 19), Buffer.alloc(40)]))).toBe('badLength');
  });

  test('a Length beyond the datagram is truncated', () => {
    expect(outcome(sign(Buffer.alloc(0)).fill(21, 3, 4))).toBe('truncated');
  });

  test('4095 octets are the most that an accounting request may have', () => {
    expect(outcome(sign(fill(4075)))).toBe('packet');
    expect(outcome(sign(fill(4076)))).toBe('badLength');
  });

  test('octets after Length are padding', () => {
    const packet = encodeAccountingRequest({ identifier: 7, attributes: [start], secret });
    const padded = Buffer.concat([packet, Buffer.alloc(100, 0xff)]);
    expect(open(padded).bytes.equals(packet)).toBe(true);
  });
});

describe('attributes', () => {
  const bad = {
    'a length of 0': Buffer.of(40, 0),
    'a length of 1': Buffer.of(40, 1),
    'a length past the end': Buffer.of(40, 255, 0, 0, 0, 1),
    'a type without a length': Buffer.of(40, 6, 0, 0, 0, 1, 44),
  };
  test.each(Object.entries(bad))('%s discards the whole packet', (_, body) => {
    expect(outcome(sign(body))).toBe('malformedAttribute');
  });

  test('no attributes at all are no error of the format', () => {
    expect(outcome(sign(Buffer.alloc(0)))).toBe('packet');
  });

  test('unknown ones are passed over', () => {
    const attributes = [octetsAttribute(250, Buffer.alloc(253, 1)), start, octetsAttribute(255, Buffer.alloc(0))];
    expect(
      open(encodeAccountingRequest({ identifier: 1, attributes, secret })).integer(attributeType.acctStatusType),
    ).toBe(1);
  });

  test('odd vendor attributes hide nothing behind them', () => {
    const odd = ['', '00', '00000009', '0000000901', '000000090100', '000000090101', '0000000901ff41', '000039e70500'];
    const attributes = [
      ...odd.map((hex) => octetsAttribute(attributeType.vendorSpecific, Buffer.from(hex, 'hex'))),
      ...parseRadiusText('Cisco-AVPair = "ssid=Members"\nAruba-Essid-Name = "Members"'),
    ];
    const packet = open(encodeAccountingRequest({ identifier: 1, attributes, secret }));
    expect([...packet.vendorTexts(vendorAttribute.ciscoAvPair)]).toEqual(['ssid=Members']);
    expect(packet.vendorText(vendorAttribute.arubaEssidName)).toBe('Members');
  });

  test('several of one vendor in one attribute are all found', () => {
    const value = Buffer.from('00000009 010361 020362 010363'.replaceAll(' ', ''), 'hex');
    const attributes = [octetsAttribute(attributeType.vendorSpecific, value)];
    const packet = open(encodeAccountingRequest({ identifier: 1, attributes, secret }));
    expect([...packet.vendorTexts(vendorAttribute.ciscoAvPair)]).toEqual(['a', 'c']);
  });

  test('a number of another size than four octets is absent', () => {
    const attributes = [octetsAttribute(attributeType.acctStatusType, Buffer.of(0, 0, 1))];
    expect(
      open(encodeAccountingRequest({ identifier: 1, attributes, secret })).integer(attributeType.acctStatusType),
    ).toBeUndefined();
  });
});

describe('Message-Authenticator', () => {
  const signed = encodeAccountingRequest({ identifier: 1, attributes: [start], secret, messageAuthenticator: true });

  test('is accepted when right, and refused when wrong even under a right authenticator', () => {
    expect(outcome(signed)).toBe('packet');
    const wrong = Buffer.from(signed);
    wrong[wrong.length - 1]! ^= 1;
    expect(outcome(wrong)).toBe('badAuthenticator');
    expect(outcome(resign(wrong))).toBe('badMessageAuthenticator');
  });

  test('may stand once only, and be only 18 octets long', () => {
    const attribute = signed.subarray(26);
    expect(outcome(sign(Buffer.concat([signed.subarray(20), attribute])))).toBe('badMessageAuthenticator');
    expect(outcome(sign(Buffer.concat([signed.subarray(20, 26), Buffer.of(80, 17), Buffer.alloc(15)])))).toBe(
      'badMessageAuthenticator',
    );
  });

  test('can be demanded', () => {
    const unsigned = encodeAccountingRequest({ identifier: 1, attributes: [start], secret });
    expect(outcome(unsigned, secret, { requireMessageAuthenticator: true })).toBe('missingMessageAuthenticator');
    expect(outcome(signed, secret, { requireMessageAuthenticator: true })).toBe('packet');
  });

  test('is what Status-Server lives by', () => {
    const authenticator = Buffer.from('0123456789abcdef');
    const status = encodeStatusServer({ identifier: 1, authenticator, secret });
    expect(outcome(status)).toBe('packet');
    expect(outcome(status, Buffer.from('another secret'))).toBe('badMessageAuthenticator');
    const without = Buffer.concat([Buffer.of(12, 1, 0, 20), authenticator]);
    expect(outcome(without)).toBe('missingMessageAuthenticator');
    expect(outcome(Buffer.concat([Buffer.of(12, 1, 0, 22), authenticator, Buffer.of(1, 0)]))).toBe(
      'malformedAttribute',
    );
  });
});

test('nothing is looked at before the authenticator is right', () => {
  const malformed = sign(Buffer.of(40, 0));
  malformed[4]! ^= 1;
  expect(outcome(malformed)).toBe('badAuthenticator');
});

test('decoding leaves the datagram as it was', () => {
  const packet = encodeAccountingRequest({ identifier: 1, attributes: [start], secret, messageAuthenticator: true });
  const copy = Buffer.from(packet);
  decodeRequest(packet, secret);
  decodeRequest(packet, Buffer.from('another secret'));
  expect(packet.equals(copy)).toBe(true);
});

test('a secret longer than a hash block works', () => {
  const long = Buffer.alloc(9000, 'long');
  const attributes = [start, textAttribute(attributeType.userName, 'mia')];
  const packet = encodeAccountingRequest({ identifier: 1, attributes, secret: long, messageAuthenticator: true });
  expect(outcome(packet, long)).toBe('packet');
});
