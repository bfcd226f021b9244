import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the services of one run have logged is kept until its end, and then looked through for what must never be in a
 * log. Every process of the run writes to files of its own in the directory that `clean-up` names.
 */
export const logDirVariable = 'ROLLCALL_TEST_LOGS';

let files = 0;
const noted = new Set<string>();

/** Takes what a service writes, piece by piece; without a directory, as in a benchmark, it goes nowhere. */
export function captureLog(name: string): (text: string) => void {
  const dir = process.env[logDirVariable];
  if (dir === undefined) return () => undefined;
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${name}.${process.pid}.${++files}.log`);
  return (text) => appendFileSync(file, text);
}

/** Something that no log of this run may hold, however late it becomes known. `what` is how a finding calls it. */
export function noteSecret(what: string, text: string): void {
  const dir = process.env[logDirVariable];
  if (dir === undefined || text === '' || noted.has(`${dir} ${text}`)) return;
  noted.add(`${dir} ${text}`);
  mkdirSync(dir, { recursive: true });
  appendFileSync(join(dir, `${process.pid}.secrets`), `${JSON.stringify([what, text])}\n`);
}

/** Keys in the spellings in which a program would log them. */
export function noteKey(what: string, key: Buffer): void {
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    noteSecret(what, key.toString(encoding).replace(/=+$/, ''));
  }
}

/** The name and the e-mail of a customer that is made by a call. A single word is the id again, which logs may hold. */
export function noteCustomer(path: string, body: unknown): void {
  if (!/^\/v1\/customers\/[^/]+$/.test(path) || typeof body !== 'object' || body === null) return;
  const { name, email } = body as { readonly name?: unknown; readonly email?: unknown };
  if (typeof name === 'string' && /^\p{L}{2,} .*\p{L}{2,}$/u.test(name.trim()) && !name.endsWith(surname)) {
    noteSecret('the name of a customer', name.trim());
  }
  if (typeof email === 'string' && email.includes('@') && !email.endsWith(mailDomain))
    noteSecret('the e-mail of a customer', email);
}

export type Finding = {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
  readonly text: string;
};

/** Of people whom stories register by the thousand: one pattern finds them all (`support/people`). */
export const surname = 'Testperson';
export const mailDomain = 'people.example.org';

const pair = '[0-9A-Fa-f]{2}';
const patterns: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a token', /rc_[\w-]{43}/],
  ['a webhook secret', /whsec_[\w+/=-]{16,}/],
  ['a password in an address', /[a-z]:\/\/[^\s"/@:]*:(?!\[?redacted\]?@|\*+@)[^\s"/@]+@/],
  ['a MAC address', new RegExp(`(?<![0-9A-Fa-f:-])${pair}([-:])${pair}(?:\\1${pair}){4}(?![0-9A-Fa-f:-])`)],
  ['a MAC address', /(?<![0-9A-Fa-f.-])[0-9A-Fa-f]{4}([.-])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}(?![0-9A-Fa-f.-])/],
  ['a MAC address', /(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{6}[-:][0-9A-Fa-f]{6}(?![0-9A-Fa-f:-])/],
  // Twelve digits in a row are also ids and times; these are the addresses that tests use.
  ['a MAC address', /(?<![0-9a-z_-])(?:00005e00[0-9a-f]{4}|02005e[0-9a-f]{6})(?![0-9a-z_])/i],
  ['the name of a customer', new RegExp(surname)],
  ['the e-mail of a customer', new RegExp(`@${mailDomain.replaceAll('.', String.raw`\.`)}`)],
];

/** Looks through every log of the run. */
export function scanLogs(dir: string): readonly Finding[] {
  const names = readNames(dir);
  const secrets = names
    .filter((name) => name.endsWith('.secrets'))
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as [what: string, text: string]);
  return names
    .filter((name) => name.endsWith('.log'))
    .flatMap((file) => {
      const log = readFileSync(join(dir, file), 'utf8');
      // Nearly every log is clean, and as a whole that is found out faster.
      if (findIn(log, secrets).length === 0) return [];
      return log
        .split('\n')
        .flatMap((text, index) => findIn(text, secrets).map((what) => ({ file, line: index + 1, what, text })));
    });
}

function findIn(text: string, secrets: readonly (readonly [what: string, text: string])[]): readonly string[] {
  if (text === '') return [];
  const found = [
    ...patterns.filter(([, pattern]) => pattern.test(text)).map(([what]) => what),
    ...secrets.filter(([, secret]) => holds(text, secret)).map(([what]) => what),
  ];
  return [...new Set(found)];
}

/** A short secret, such as a PIN, counts only where it stands by itself. */
function holds(text: string, secret: string): boolean {
  for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + secret.length] ?? ' '}`;
    if (secret.length > 12 || !/[0-9a-z]/i.test(around)) return true;
  }
  return false;
}

function readNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch {
    // No test of this run has started a service.
    return [];
  }
}
