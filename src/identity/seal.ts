import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;

/** Asking the system for each nonce costs more than sealing; each byte is used once. */
const nonces = Buffer.alloc(nonceLength * 256);
let used = nonces.length;

/**
 * AES-256-GCM under a random nonce; the text holds nonce, ciphertext and tag. It opens only with the same `context`. A key that
 * seals often is best a `KeyObject`, with which it takes a quarter of the time.
 */
export function seal(key: Buffer | KeyObject, plain: Buffer, context: string): string {
  const nonce = nextNonce();
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** Throws when the key or the context is another, or the text was changed. */
export function open(key: Buffer | KeyObject, sealed: string, context: string): Buffer {
  const body = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(algorithm, key, body.subarray(0, nonceLength), { authTagLength: tagLength })
    .setAAD(Buffer.from(context))
    .setAuthTag(body.subarray(-tagLength));
  return Buffer.concat([decipher.update(body.subarray(nonceLength, -tagLength)), decipher.final()]);
}

function nextNonce(): Buffer {
  if (used === nonces.length) {
    randomFillSync(nonces);
    used = 0;
  }
  return Buffer.from(nonces.subarray(used, (used += nonceLength)));
}
