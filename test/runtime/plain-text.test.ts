import { expect, test } from 'vitest';
import { createLogger } from '../../src/runtime/logger.ts';
import { isPlainText, toPlainText, toTerminalText } from '../../src/runtime/plain-text.ts';

const harmful = [
  ['an escape', 'a\u001B[2Jb'],
  ['a line break', 'a\nb'],
  ['DEL', 'a\u007Fb'],
  ['the one-character CSI of C1', 'a\u009B31mb'],
  ['a right-to-left override', 'a\u202Egnp.exe'],
  ['an isolate', 'a\u2067b\u2069'],
  ['a line separator', 'a\u2028b'],
  ['a zero-width space', 'a\u200Bb'],
  ['a byte order mark', 'a\uFEFFb'],
  ['half a character', 'a\uD800b'],
] as const;
const harmless = [
  '=HYPERLINK("x")',
  '<img onerror=alert(1)>',
  'عربي\u200F',
  'نامه\u200Cها',
  '👩\u200D🚀',
  'Zoë’s iPhone',
];

test.each(harmful)('%s is no text', (_what, text) => {
  expect(isPlainText(text)).toBe(false);
  expect(isPlainText(toPlainText(text))).toBe(true);
  expect(isPlainText(toTerminalText(text).replaceAll('\n', ''))).toBe(true);
});

test.each(harmless)('%s is text, and stays as it is', (text) => {
  expect(isPlainText(text)).toBe(true);
  expect([toPlainText(text), toTerminalText(text)]).toEqual([text, text]);
});

test('a terminal is shown what stands there, and JSON keeps its meaning', () => {
  expect(toTerminalText('a\u001B[2J\u202Eb\nc')).toBe(String.raw`a\u001b[2J\u202eb` + '\nc');
  const json = JSON.stringify({ name: 'a\u009B\u202E' });
  expect(JSON.parse(toTerminalText(json))).toEqual({ name: 'a\u009B\u202E' });
});

test.each(harmful)('a log line with %s is one line of plain text that says the same', (_what, text) => {
  let logged = '';
  const log = createLogger({ level: 'info', destination: { write: (line) => (logged += line) } });
  log.info({ name: text, err: new Error(text) }, text);
  expect(logged.split('\n')).toHaveLength(2);
  expect(isPlainText(logged.trimEnd())).toBe(true);
  expect(JSON.parse(logged)).toMatchObject({ name: text });
});
