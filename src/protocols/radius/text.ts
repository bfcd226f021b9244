import { toPlainText } from '../../runtime/plain-text.ts';

/**
 * Text of an attribute. The protocol says UTF-8 without a terminator (RFC 2865, section 5); access points also send
 * Latin-1, and some a terminating NUL. What is no text, such as control characters, becomes U+FFFD, because nothing
 * behind this could use it and some of it is harmed by it: PostgreSQL refuses NUL, and terminals obey escapes.
 */
export function readText(bytes: Buffer, start: number, end: number): string {
  let last = end;
  while (last > start && bytes[last - 1] === 0) last -= 1;
  for (let i = start; i < last; i += 1) {
    const byte = bytes[i]!;
    if (byte < 0x20 || byte > 0x7e) return readUnusualText(bytes, start, last);
  }
  return bytes.toString('latin1', start, last);
}

const replacement = '\u{FFFD}';

function readUnusualText(bytes: Buffer, start: number, end: number): string {
  const utf8 = bytes.toString('utf8', start, end);
  const text = utf8.includes(replacement) ? bytes.toString('latin1', start, end) : utf8;
  return toPlainText(text);
}
