import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { showProgress } from '../../src/cli/progress.ts';
import { runHere } from './run-command.ts';
import { useLedger } from './use-ledger.ts';

const { dir, config } = useLedger();

/** In this process: that the real command starts is tested elsewhere. */
const run = (...args: readonly string[]) => runHere(['devices', ...args, '--config', config], { workingDir: dir });

const file = (name: string, content: string) => writeFile(join(dir, name), content);

test('a file is imported, after a dry run that writes nothing, and an export of it changes nothing', async () => {
  await file('devices.csv', 'MAC;Customer ID;Name\n00:00:5e:00:53:01;mia;=1+1\n00:00:5e:00:53:02;mia;\n');
  const counts = '2 rows: 2 created, 0 updated, 0 unchanged';
  const dry = await run('import', 'devices.csv', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: `${counts}; nothing was written, since this is a dry run\n` });
  expect(await run('import', 'devices.csv')).toMatchObject({
    code: 0,
    stdout: `${counts}\n`,
    stderr: 'reading 2\ncomparing 2 of 2\nwriting 2 of 2\n',
  });
  expect(await run('export', 'all.csv')).toEqual({
    code: 0,
    stdout: `the devices are in ${dir}/all.csv\n`,
    stderr: '',
  });
  expect((await stat(join(dir, 'all.csv'))).mode & 0o777).toBe(0o600);
  const exported = await readFile(join(dir, 'all.csv'), 'utf8');
  expect(exported).toContain("00-00-5E-00-53-01,mia,'=1+1,");
  expect((await run('export')).stdout).toBe(exported);
  const again = await run('import', 'all.csv', '--json');
  expect(JSON.parse(again.stdout)).toEqual({
    dryRun: false,
    rows: 2,
    created: 0,
    updated: 0,
    unchanged: 2,
    failed: 0,
    errors: [],
    errorsLeftOut: 0,
  });
  expect(again.stderr.split('\n')[0]).toBe('{"progress":{"step":"reading","done":2}}');
});

test('mistakes are told by the line, the first twenty to people, all to programs, and nothing is written', async () => {
  await file('bad.csv', `mac,customerId\n00-00-5E-00-53-09,mia\n${'nothing,mia\n'.repeat(30)}`);
  const { code, stdout, stderr } = await run('import', 'bad.csv');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const lines = stderr.split('\n').filter((line) => !/^(reading|comparing) /.test(line));
  expect(lines.slice(0, 2)).toEqual([
    'rollcall: nothing was registered, because of 30 mistakes, of which the first is line 3, mac: is not an address such as 00-00-5E-00-53-01',
    '  line 3, mac: is not an address such as 00-00-5E-00-53-01',
  ]);
  expect(lines.at(-2)).toBe('  and 10 more; --json lists them');
  const json = await run('import', 'bad.csv', '--dry-run', '--json');
  expect(json.code).toBe(1);
  expect((JSON.parse(json.stdout) as { report: { errors: unknown[] } }).report.errors).toHaveLength(30);
  expect((await run('export')).stdout).not.toContain('53-09');
});

test.each([
  ['missing.csv', /^rollcall: cannot find .*missing\.csv; create it, or correct the path\n$/],
  ['.', /^rollcall: "\." is a directory; name a CSV file\n$/],
  ['large.csv', /^rollcall: "large\.csv" is larger than 64 MiB; divide it, with the header in each part\n$/],
])('%s is refused in one sentence', async (name, says) => {
  await file('large.csv', '');
  await truncate(join(dir, 'large.csv'), 100 * 1024 * 1024);
  const { code, stderr } = await run('import', name);
  expect(code).toBe(1);
  expect(stderr).toMatch(says);
});

test('progress is a bar on a terminal, and a line for each tenth elsewhere', () => {
  const written = (isTTY: boolean) => {
    let text = '';
    const output = { isTTY, write: (part: string) => (text += part) } as unknown as NodeJS.WriteStream;
    const { show, end } = showProgress(output, false);
    for (let done = 0; done <= 100; done += 1) show({ step: 'writing', done, of: 100 });
    end();
    return text;
  };
  expect(written(false).split('\n')).toHaveLength(12);
  expect(written(true)).toContain(`\r\u001B[2Kwriting    ${'█'.repeat(15)}${'░'.repeat(15)} 50 of 100`);
  expect(written(true).endsWith('\r\u001B[2K')).toBe(true);
});
