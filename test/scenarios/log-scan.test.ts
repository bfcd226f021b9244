import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { captureLog, logDirVariable, noteCustomer, noteKey, noteSecret, scanLogs } from '../support/log-scan.ts';
import { nameOf } from '../support/people.ts';
import { TempDir } from '../support/temp-dir.ts';

let dir: TempDir;
const before = process.env[logDirVariable];
beforeEach(() => {
  dir = new TempDir();
  process.env[logDirVariable] = dir.path;
});
afterEach(async () => {
  if (before === undefined) delete process.env[logDirVariable];
  else process.env[logDirVariable] = before;
  await dir[Symbol.asyncDispose]();
});

const key = randomBytes(32);
const found = () => scanLogs(dir.path).map(({ line, what }) => [line, what]);

test.each([
  ['a token', `bearer rc_${'x'.repeat(43)}`],
  ['a MAC address', 'station 00-00-5E-00-53-01'],
  ['a MAC address', '{"mac":"02:00:5e:00:53:01"}'],
  ['a MAC address', '0000.5e00.5301'],
  ['a MAC address', 'as 00005E-005301'],
  ['a MAC address', '(00005e005301)'],
  ['a password in an address', 'redis://rollcall:hunter2@192.0.2.5'],
  ['a RADIUS secret', 'shared secret s3cret-of-this-test'],
  ['a PIN', 'the PIN was 482913.'],
  ['the master key', key.toString('hex')],
  ['the master key', `x${key.toString('base64')}`],
  ['the name of a customer', '{"name":"Mia Sand"}'],
  ['the e-mail of a customer', 'to mia.sand@example.org'],
  ['the name of a customer', nameOf('noor')],
  ['the e-mail of a customer', 'to noor@people.example.org'],
])('T35: %s in a log is found, and where: %s', (what, text) => {
  const capture = captureLog('serve');
  capture('{"msg":"serving"}\n{"msg":');
  capture(`"${text}"}\n`);
  // What becomes known later is found all the same.
  noteSecret('a RADIUS secret', 's3cret-of-this-test');
  noteSecret('a PIN', '482913');
  noteKey('the master key', key);
  noteCustomer('/v1/customers/mia', { name: 'Mia Sand', email: 'mia.sand@example.org' });
  expect(found()).toEqual([[2, what]]);
});

test('T35: what only looks like one is passed over', () => {
  const capture = captureLog('serve');
  noteSecret('a PIN', '482913');
  capture(
    '1795482913000 dev_00005e005301abcdefgh 2001:db8:0:1:2:3:4:5 mac ••-••-••-••-53-01 redis://127.0.0.1:6379/0\n',
  );
  capture(
    '0b6d9a52-1c3f-4f0e-9d0c-00005e005301 2026-11-24T09:00:00.000Z redis://rollcall:[redacted]@192.0.2.5 redis://r:***@192.0.2.5\n',
  );
  expect(found()).toEqual([]);
  expect(scanLogs(dir.file('nothing-here'))).toEqual([]);
});

test('T35: a run of tests whose service tells a secret fails, and says where', async () => {
  const spec = dir.file('planted.test.ts');
  const support = new URL('../support/', import.meta.url).pathname;
  mkdirSync(dir.path, { recursive: true });
  writeFileSync(
    spec,
    `import { test } from 'vitest';
     import { captureLog } from '${support}log-scan.ts';
     test('passes', () => captureLog('planted')('of no meaning\\nstation 00-00-5E-00-53-01\\n'));`,
  );
  const config = dir.file('vitest.config.mjs');
  writeFileSync(
    config,
    `export default { test: { include: ['planted.test.ts'], globalSetup: '${support}clean-up.ts' } };`,
  );
  const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
  const run = promisify(execFile)(process.execPath, [vitest, 'run', '--root', dir.path, '--config', config], {
    cwd: dir.path,
    env: { PATH: process.env['PATH'], TMPDIR: dir.path },
  });
  await expect(run).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('1 passed') as string,
    stderr: expect.stringMatching(/planted\.\d+\.1\.log:2: a MAC address: station/) as string,
  });
});
