/** A number in the place of a text: a session's key, a NAS, a station. */
export type TextNumbers = (text: string) => number;

/**
 * 53 bits for a text, enough to tell apart the few sessions of one customer and small enough to be exact in a Lua number;
 * never 0, which stands for none. `secret` (8 bytes, the same on every node) keeps what some controllers write into
 * session ids, MAC addresses among it, from being found by trying. Two multiplicative hashes over the characters, mixed at
 * the end.
 */
export function createTextNumbers(secret: Buffer): TextNumbers {
  const startHigh = secret.readInt32LE(0);
  const startLow = secret.readInt32LE(4);
  return (text) => {
    let high = startHigh;
    let low = startLow;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      high = Math.imul(high ^ code, 0x2c1b3c6d);
      low = Math.imul(low ^ code, 0x297a2d39) + high;
    }
    high = Math.imul(high ^ (high >>> 15), 0x2c1b3c6d) ^ Math.imul(low ^ (low >>> 13), 0x297a2d39);
    low = Math.imul(low ^ (low >>> 16), 0x297a2d39) ^ Math.imul(high ^ (high >>> 12), 0x2c1b3c6d);
    return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0) || 1;
  };
}
