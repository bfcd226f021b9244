import { expect, test } from 'vitest';
import { isPlainText } from '../../src/runtime/plain-text.ts';
import { runHere } from './run-command.ts';

const commands = [
  'serve',
  'demo',
  'migrate',
  'config check',
  'config print',
  'config schema',
  'token create',
  'devices import',
  'devices export',
  'audit verify',
];

test.each(commands)('%s explains itself, and takes --config', async (command) => {
  const { code, stdout, stderr } = await runHere([...command.split(' '), '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`Usage: rollcall ${command} [options]`);
  expect(stdout).toContain('--config <file>');
});

test('the help lists every command', async () => {
  const { code, stdout } = await runHere(['--help']);
  expect(code).toBe(0);
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
});

test.each([
  [['--version'], 0, ''],
  [[], 2, 'Usage: rollcall'],
  [['serv'], 2, "unknown command 'serv'\n(Did you mean serve?)"],
  [['config'], 2, 'Usage: rollcall config'],
  [['config', 'check', '--fast'], 2, "unknown option '--fast'"],
  [['config', 'check', 'rollcall.yaml'], 2, 'too many arguments'],
  [['demo', '--speed', 'fast'], 2, 'It must be a number above 0.'],
  [['token', 'create', '--name', 'x'], 2, "required option '--role <role>' not specified"],
  [['token', 'create', '--name', 'x', '--role', 'boss'], 2, 'Allowed choices are admin'],
])('rollcall %j exits with %i', async (args, code, message) => {
  const outcome = await runHere(args);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toContain(message);
});

test.each([
  [['config', 'check', '--config', '/\u001B[2J\u202E.yaml'], 1],
  [['\u001B[2J'], 2],
  [['token', 'create', '--role', 'admin', '--name', 'x\u009B2J'], 2],
  [['config', 'check', '--json', '--config', '/\u009B2J\u202E.yaml'], 1],
])('what %j says is inert in a terminal', async (args, code) => {
  const outcome = await runHere(args);
  expect(outcome.code).toBe(code);
  const text = outcome.stdout + outcome.stderr;
  expect(text.split('\n').every(isPlainText)).toBe(true);
  expect(text).toMatch(/\\u00[19]b/u);
});
