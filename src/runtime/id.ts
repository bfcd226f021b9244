import { randomFillSync } from 'node:crypto';

/** Crockford's alphabet in lower case: no i, l, o or u to be misread. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Asking the system for each id's few bytes costs more than the rest of an event; each byte is used once. */
const pool = Buffer.alloc(8192);
let used = pool.length;

/** `length` random letters and digits, five bits each. */
export function randomText(length: number): string {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let text = '';
  for (const end = used + length; used < end; used += 1) text += alphabet.charAt((pool[used] ?? 0) & 31);
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
