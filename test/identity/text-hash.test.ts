import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { TextHash } from '../../src/identity/text-hash.ts';

const key = Buffer.from('a key of thirty-two bytes, or so');

test.each(['', 'a', '192.0.2.21', 'hq/ap|session', 'ünïcödé ✓', 'x'.repeat(170), 'x'.repeat(171), 'é'.repeat(5_000)])(
  'it is HMAC-SHA-256 of any text (%#)',
  (text) => {
    const hashes = new TextHash(key);
    hashes.digest('something longer than the text that comes after it');
    expect(hashes.digest(text)).toBe(createHmac('sha256', key).update(text).digest('binary'));
  },
);
