import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;

/** AES-256-GCM under a random nonce; the text holds nonce, ciphertext and tag. It opens only with the same `context`. */
export function seal(key: Buffer, plain: Buffer, context: string): string {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** Throws when the key or the context is another, or the text was changed. */
export function open(key: Buffer, sealed: string, context: string): Buffer {
  const body = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(algorithm, key, body.subarray(0, nonceLength), { authTagLength: tagLength })
    .setAAD(Buffer.from(context))
    .setAuthTag(body.subarray(-tagLength));
  return Buffer.concat([decipher.update(body.subarray(nonceLength, -tagLength)), decipher.final()]);
}
