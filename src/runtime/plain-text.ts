/**
 * What has no place in one line of text for people: control characters (a terminal obeys them), line and paragraph
 * separators, what turns the direction of all that follows (Unicode Bidirectional Algorithm, explicit formatting), and what
 * nobody sees. The joiners of emoji and of Persian, and the marks of right-to-left scripts, are text and stay.
 */
const hidden = String.raw`\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200B\u2060-\u2064\u202A-\u202E\u2066-\u206F\uFEFF\uFFF9-\uFFFB`;
const plain = new RegExp(`^[^${hidden}]*$`, 'u');
const anyHidden = new RegExp(`[${hidden}]`, 'gu');
/** JSON has no line breaks but those of its layout. */
const anyHiddenInLines = new RegExp(`(?!\n)[${hidden}]`, 'gu');

/** What is said of a text that is refused. */
export const plainTextRule =
  'must not contain control characters, invisible ones, or such as turn the direction of text';

/** Whether a line of text holds nothing but text; what comes in by an API, a command or a file is refused otherwise. */
export function isPlainText(text: string): boolean {
  return plain.test(text);
}

/** The same text with U+FFFD in such places, for what comes in by radio and cannot be refused. */
export function toPlainText(text: string): string {
  return text.replaceAll(anyHidden, '\u{FFFD}');
}

/**
 * Text as a terminal or a log may show it: such characters as `\u001b`. Line breaks stay. Within the strings of JSON this is the
 * same text.
 */
export function toTerminalText(text: string): string {
  return text.replaceAll(
    anyHiddenInLines,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
