import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { TempDir } from '../support/temp-dir.ts';
import { runHere } from './run-command.ts';

test('verify says that the log is whole, and names the first line that is not', async () => {
  await using dir = new TempDir();
  const config = dir.file('rollcall.yaml');
  await writeFile(config, 'spaces: [{ id: hq }]\n');
  const run = (...args: readonly string[]) => runHere([...args, '--config', config]);
  for (const role of ['admin', 'viewer']) {
    expect((await run('token', 'create', '--name', 'a test', '--role', role)).code).toBe(0);
  }
  const whole = await run('audit', 'verify', '--json');
  expect({ ...whole, stdout: JSON.parse(whole.stdout) as unknown }).toEqual({
    code: 0,
    stdout: { lines: 2, last: { sequence: 2, hash: expect.stringMatching(/^[\w-]{43}$/) as string } },
    stderr: '',
  });
  const plain = await run('audit', 'verify');
  const [, noted = ''] =
    /^the audit log is whole: 2 lines; note the last one elsewhere: (2:\S{43})\n$/.exec(plain.stdout) ?? [];
  expect((await run('audit', 'verify', '--expect', noted)).code).toBe(0);
  expect((await run('audit', 'verify', '--expect', noted.replace('2:', '1:'))).code).toBe(1);
  expect((await run('audit', 'verify', '--expect', 'the last')).code).toBe(2);

  using ledger = new DatabaseSync(join(dir.path, 'data', 'ledger.sqlite'));
  const actors = ledger.prepare('select actor, actor_role, action from audit').all();
  expect(actors.map((row) => Object.values(row))).toEqual(
    Array.from({ length: 2 }, () => ['console', 'console', 'token.create']),
  );
  ledger.exec(`drop trigger audit_no_update; update audit set actor = 'tok_1' where sequence = 1`);
  const broken = await run('audit', 'verify');
  const sentence = 'the audit log is broken at line 1: it is not what Rollcall has written';
  expect(broken).toEqual({ code: 1, stdout: '', stderr: `rollcall: ${sentence}\n` });
  const json = await run('audit', 'verify', '--json');
  expect(JSON.parse(json.stdout)).toEqual({
    error: sentence,
    lines: 0,
    broken: { sequence: 1, reason: 'it is not what Rollcall has written' },
  });
});
