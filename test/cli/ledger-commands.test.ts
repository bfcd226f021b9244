import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-cli-'));
  file = join(dir, 'rollcall.yaml');
  await writeFile(file, 'spaces: [{ id: hq }]\n');
});
afterEach(() => rm(dir, { recursive: true }));

const run = (...args: readonly string[]) => runCommand([...args, '--config', file]);
const createToken = (...args: readonly string[]) => run('token', 'create', '--name', 'a test', ...args);

describe('migrate', () => {
  test('makes the ledger in an empty data directory, and has nothing to do the second time', async () => {
    for (const _time of ['first', 'second']) {
      expect(await run('migrate')).toEqual({ code: 0, stdout: 'the sqlite database is up to date\n', stderr: '' });
    }
    expect(await readdir(join(dir, 'data'))).toContain('ledger.sqlite');
  });

  test('a database that is not there is one sentence, which keeps the password to itself', async () => {
    await writeFile(file, 'databaseUrl: postgres://rollcall:hunter2@127.0.0.1:1/rollcall\n');
    const { code, stdout, stderr } = await run('migrate');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^rollcall: .*\n$/);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('token create', () => {
  test('prints the token and nothing else, and keeps only its hash', async () => {
    const { code, stdout, stderr } = await createToken('--role', 'viewer', '--space', 'HQ');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S{32,}\n$/);
    for (const name of await readdir(join(dir, 'data'))) {
      const content = await readFile(join(dir, 'data', name)).catch(() => Buffer.alloc(0));
      expect(content.includes(stdout.trim())).toBe(false);
    }
  });

  test('tells programs the id of the token too', async () => {
    const { stdout } = await createToken('--role', 'admin', '--json');
    expect(JSON.parse(stdout)).toEqual({ id: expect.any(String), role: 'admin', token: expect.any(String) });
  });

  test('a customer who does not exist is refused', async () => {
    const { code, stderr } = await createToken('--role', 'member', '--customer', 'mia');
    expect(code).toBe(1);
    expect(stderr).toBe('rollcall: there is no customer "mia"; make the customer first, with PUT /v1/customers/mia\n');
  });

  test.each([
    [['--role', 'viewer', '--space', 'elsewhere'], 'there is no space "elsewhere" in the configuration'],
    [['--role', 'member'], 'give both --role member and --customer'],
    [['--role', 'admin', '--customer', 'mia'], 'give both --role member and --customer'],
    [['--role', 'kiosk'], 'a token of the role kiosk belongs to a space; add --space'],
  ])('%j is refused before anything is written', async (args, message) => {
    const { code, stdout, stderr } = await createToken(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(await readdir(dir)).toEqual(['rollcall.yaml']);
  });
});
