import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { outcomeOf, runCommand, startCommand } from './run-command.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/config', import.meta.url));
const everyKey = `${fixtures}/good.every-key.yaml`;
const environment = { AP_SECRET: 'from-the-environment', REDIS_PASSWORD: 'hunter2' };

test('check says that a good file is good', async () => {
  const { code, stdout } = await runCommand(['config', 'check', '--config', everyKey], { environment });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${everyKey} is valid: 2 spaces, 4 sources\n` });
});

test('check reports all problems at once and without a stack', async () => {
  const file = `${fixtures}/bad.references.yaml`;
  const { code, stderr } = await runCommand(['config', 'check', '--config', file]);
  expect(code).toBe(1);
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(7);
  expect(lines[0]).toBe(`rollcall: ${file} has 6 problems:`);
  expect(lines).toContain('  sources[0].space: there is no space "hqq"; did you mean "hq"?');
});

test('check tells programs the same as JSON', async () => {
  const bad = await runCommand(['config', 'check', '--json', '--config', `${fixtures}/bad.variable-missing.yaml`]);
  expect(bad.code).toBe(1);
  expect(JSON.parse(bad.stdout)).toMatchObject({
    problems: [{ path: 'redisUrl', message: 'the environment variable NOT_SET_ANYWHERE is not set' }, {}, {}],
  });
  const good = await runCommand(['config', 'check', '--json', '--config', `${fixtures}/good.minimal.yaml`]);
  expect(JSON.parse(good.stdout)).toEqual({ file: `${fixtures}/good.minimal.yaml`, problems: [], warnings: [] });
});

test('print fills in the defaults and redacts the secrets, as YAML and as JSON', async () => {
  const args = ['config', 'print', '--config', everyKey];
  const yaml = await runCommand(args, { environment });
  const json = await runCommand([...args, '--json'], { environment });
  expect(yaml.code).toBe(0);
  expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  expect(parse(yaml.stdout)).toMatchObject({
    redisUrl: 'rediss://rollcall:[redacted]@192.0.2.5:6380/1',
    spaces: [{ idleTimeout: '90s' }, { idleTimeout: '15m' }],
    sources: [{ clients: [{ secret: '[redacted]' }, {}] }, {}, {}, { secret: '[redacted]' }],
  });
  expect(yaml.stdout + json.stdout).not.toMatch(/hunter2|p%40ss|from-the-environment|an-admin-token/);
});

test('a reader that leaves early is no failure', async () => {
  const child = startCommand(['config', 'schema']);
  child.stdout?.destroy();
  const { code, stderr } = await outcomeOf(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('a file that cannot be read is one sentence that says what to do', async () => {
  const { code, stderr } = await runCommand(['config', 'check'], { environment: { ROLLCALL_CONFIG: '/nothing/here' } });
  expect(code).toBe(1);
  expect(stderr).toBe(
    'rollcall: cannot read the configuration "/nothing/here" (no such file); name another with --config FILE\n',
  );
});
