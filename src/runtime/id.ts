import { randomBytes } from 'node:crypto';

/** Crockford's alphabet in lower case: no i, l, o or u to be misread. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** `length` random letters and digits, five bits each. */
export function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += alphabet.charAt(byte & 31);
  return text;
}

/** An opaque id that nobody can guess: `chk_` and 20 characters, 100 random bits. */
export function newId(prefix: string): string {
  return `${prefix}_${randomText(20)}`;
}

/** The same 20 characters for the same digest: five bits each of its first 20 bytes. `digest` has a character per byte. */
export function textOfBytes(digest: string): string {
  let text = '';
  for (let index = 0; index < 20; index++) text += alphabet.charAt(digest.charCodeAt(index) & 31);
  return text;
}
