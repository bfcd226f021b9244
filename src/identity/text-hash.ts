import { hash } from 'node:crypto';

const blockLength = 64;
const digestLength = 32;
/** Longer texts are allocated for. */
const scratchLength = 512;

/**
 * HMAC-SHA-256 of a text (RFC 2104) by two one-shot hashes over prepared buffers, as `AddressHash`: a tenth of what
 * `createHmac` takes, which is paid for every session that names an address.
 */
export class TextHash {
  readonly #inner = Buffer.alloc(blockLength + scratchLength, 0x36);
  readonly #outer = Buffer.alloc(blockLength + digestLength, 0x5c);

  constructor(key: Buffer) {
    for (let index = 0; index < key.length; index++) {
      const byte = key[index] as number;
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  digest(text: string): string {
    const head = this.#inner.subarray(0, blockLength);
    // UTF-8 takes at most three bytes for each unit of a JavaScript string.
    const fits = text.length * 3 <= scratchLength;
    const message = fits
      ? this.#inner.subarray(0, blockLength + this.#inner.write(text, blockLength))
      : Buffer.concat([head, Buffer.from(text)]);
    this.#outer.write(hash('sha256', message, 'binary'), blockLength, 'latin1');
    return hash('sha256', this.#outer, 'binary');
  }
}
