import { expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

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
];

test.each(commands)('%s explains itself, and takes --config', async (command) => {
  const { code, stdout, stderr } = await runCommand([...command.split(' '), '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`Usage: rollcall ${command} [options]`);
  expect(stdout).toContain('--config <file>');
});

test('the help lists every command', async () => {
  const { code, stdout } = await runCommand(['--help']);
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
  const outcome = await runCommand(args);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toContain(message);
});
