import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { formatWelcome, welcomeJson, type WelcomeFacts } from '../../src/cli/welcome.ts';

const facts: WelcomeFacts = {
  httpUrl: 'http://127.0.0.1:8080',
  setupLink: 'http://127.0.0.1:8080/setup#one-time-code',
  setupLinkFile: '/srv/data/setup-link',
  radius: [{ host: '0.0.0.0', port: 1813 }],
  generatedSecret: { secret: 'generated-secret', file: '/srv/data/radius-secret' },
};
const addresses = ['192.0.2.20', '198.51.100.20', '2001:db8::20'];

/** A stream that says it is a terminal, or that it is not. */
function output(isTTY: boolean) {
  return Object.assign(new PassThrough(), { isTTY, getColorDepth: () => WriteStream.prototype.getColorDepth() });
}

beforeEach(() => {
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('a terminal is shown what to type into an access point, and the link for the first admin', () => {
  const text = formatWelcome(facts, output(true), addresses);
  expect(text).toContain('\u001B[');
  expect(stripVTControlCharacters(text)).toBe(`Rollcall is running.

  Pages          http://127.0.0.1:8080
  First sign-in  http://127.0.0.1:8080/setup#one-time-code

  Type this into your access points, as the RADIUS accounting server:
  Server         192.0.2.20 or 198.51.100.20
  Port           1813 UDP
  Secret         generated-secret

  Ctrl+C stops it.
`);
});

test('NO_COLOR is respected', () => {
  vi.stubEnv('NO_COLOR', '1');
  expect(formatWelcome(facts, output(true), addresses)).not.toContain('\u001B[');
});

test('what is no terminal is shown files instead of secrets and links, and no colours', () => {
  const text = formatWelcome(facts, output(false), addresses);
  expect(text).not.toMatch(/generated-secret|one-time-code/);
  expect(text).not.toContain('\u001B');
  expect(text).toContain('First sign-in  the link is in /srv/data/setup-link\n');
  expect(text).toContain('Secret         in /srv/data/radius-secret\n');
});

test('programs are told files, never secrets', () => {
  const json = welcomeJson(facts, addresses);
  expect(JSON.stringify(json)).not.toMatch(/generated-secret|one-time-code/);
  expect(json).toEqual({
    httpUrl: 'http://127.0.0.1:8080',
    setupLinkFile: '/srv/data/setup-link',
    radius: [{ servers: ['192.0.2.20', '198.51.100.20'], port: 1813 }],
    radiusSecretFile: '/srv/data/radius-secret',
  });
});

test('secrets from the configuration are not repeated, and a set-up that is done is not mentioned', () => {
  const text = formatWelcome({ httpUrl: facts.httpUrl, radius: facts.radius }, output(true), []);
  expect(text).not.toContain('First sign-in');
  expect(stripVTControlCharacters(text)).toContain('Secret         the one that your configuration gives them\n');
});

test('an address that was configured is the one to type', () => {
  const radius = [{ host: '198.51.100.7', port: 1814 }];
  expect(stripVTControlCharacters(formatWelcome({ ...facts, radius }, output(true), addresses))).toContain(
    'Server         198.51.100.7\n  Port           1814 UDP\n',
  );
});
