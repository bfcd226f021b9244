import { hash } from 'node:crypto';
import { blockLength, hmacBuffers } from './text-hash.ts';

const inputLength = 6;

/** Value of a hexadecimal digit by its character code. */
const nibbles = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

/**
 * HMAC-SHA-256 over the six bytes of a MAC address (RFC 2104), by two one-shot hashes over prepared buffers: 0.5 us
 * where `createHmac` takes 9 us, which is paid for every station that is seen for the first time.
 */
export class AddressHash {
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  constructor(key: Buffer) {
    ({ inner: this.#inner, outer: this.#outer } = hmacBuffers(key, inputLength));
  }

  /** The digest of an address in its canonical spelling, one character per byte. */
  digest(station: string): string {
    const inner = this.#inner;
    for (let index = 0; index < inputLength; index++) {
      const high = nibbles[station.charCodeAt(index * 3)] as number;
      inner[blockLength + index] = (high << 4) | (nibbles[station.charCodeAt(index * 3 + 1)] as number);
    }
    this.#outer.write(hash('sha256', inner, 'binary'), blockLength, 'latin1');
    return hash('sha256', this.#outer, 'binary');
  }
}

/** The first 16 bytes of a digest, as the ledger keeps them. */
export function toHashText(digest: string): string {
  return Buffer.from(digest.slice(0, 16), 'latin1').toString('base64url');
}
