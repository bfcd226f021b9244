import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret, secretUrl } from '../../src/config/secret.ts';

function everyWayToPrint(secret: Secret): string {
  const holder = { list: [{ secret }] };
  return [
    String(secret),
    JSON.stringify(holder),
    inspect(secret, { showHidden: true }),
    inspect(holder, { depth: null }),
    inspect(holder, { depth: null, customInspect: false }),
    format('%s %o %j', secret, secret, secret),
    Object.entries(secret).join(' '),
    new Error(`refused ${String(secret)}`).stack,
  ].join('\n');
}

test('a secret shows itself to nobody but reveal', () => {
  const secret = new Secret('hunter2');
  expect(secret.reveal()).toBe('hunter2');
  expect(everyWayToPrint(secret)).not.toContain('hunter2');
  expect(JSON.stringify({ secret })).toBe('{"secret":"[redacted]"}');
});

test('a URL keeps its host and user, and hides its password', () => {
  const url = secretUrl('postgres://rollcall:hunter2@192.0.2.6:5432/ledger');
  expect(url.reveal()).toContain('hunter2');
  expect(everyWayToPrint(url)).not.toContain('hunter2');
  expect(String(url)).toBe('postgres://rollcall:[redacted]@192.0.2.6:5432/ledger');
});

test.each([
  ['redis://:hunter2@192.0.2.5/0', 'redis://:[redacted]@192.0.2.5/0'],
  [
    'postgres:///ledger?host=/run/postgresql&password=hunter2',
    'postgres:///ledger?host=%2Frun%2Fpostgresql&password=redacted',
  ],
  ['redis://192.0.2.5', 'redis://192.0.2.5'],
  ['not a url with hunter2', '[redacted]'],
])('%s is printed as %s', (text, shown) => {
  expect(String(secretUrl(text))).toBe(shown);
});
