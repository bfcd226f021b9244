import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatWelcome } from '../../src/cli/welcome.ts';
import { putDevice } from '../../src/identity/devices.ts';
import { mac } from '../support/registry.ts';
import { runHere, Text } from './run-command.ts';
import { useLedger } from './use-ledger.ts';

/** An escape that clears the screen, its C1 form, a return to the start of the line, and an override of direction. */
const evil = 'x\u001B[2J\u009B2J\rroot\u202E';
const shown = String.raw`x\u001b[2J\u009b2J\u000droot\u202e`;
/** Whatever a terminal obeys, beside the ends of our own lines. */
const active = /\r(?!\n)|[^\P{Cc}\r\n\t]|[\u202A-\u202E\u2066-\u2069]/u;

// No call takes such a name; a ledger may have one from before they refused it.
const { dir, config } = useLedger(async (registry) => {
  await putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: 'mia', name: evil });
});

async function run(args: readonly string[], isTTY = false) {
  const { code, stdout, stderr } = await runHere(args, { workingDir: dir, isTTY });
  return { code, output: stdout + stderr };
}

test.each([
  ['an unknown option', [`--${evil}`]],
  ['an unknown command', [evil]],
  ['a configuration that is not there', ['config', 'check', '--config', evil]],
  ['an unknown space', ['token', 'create', '--role', 'viewer', '--name', 'x', '--space', evil]],
  ['an unknown customer', ['token', 'create', '--role', 'member', '--name', 'x', '--customer', evil]],
  ['a file that is not there', ['devices', 'import', evil]],
  ['a folder that is not there', ['devices', 'export', `${evil}/devices.csv`]],
])('T28: %s is told in text that a terminal can do nothing with', async (_what, args) => {
  const common = args.includes('--config') || args.length === 1 ? [] : ['--config', config];
  const { code, output } = await run([...args, ...common]);
  expect(code).not.toBe(0);
  // Ids are folded.
  expect(output.toLowerCase()).toContain(shown.toLowerCase());
  expect(output).not.toMatch(active);
  if (args.length === 1) return;
  const json = await run([...args, ...common, '--json']);
  expect(json.output).not.toMatch(active);
  expect((JSON.parse(json.output) as { error: string }).error.toLowerCase()).toContain(evil.toLowerCase());
});

test('T28: what is wrong in a configuration is shown so, and names of spaces and files are refused', async () => {
  const file = join(dir, 'evil.yaml');
  const space = { id: 'hq', name: evil, idleTimeout: evil, [evil]: 1 };
  await writeFile(file, JSON.stringify({ dataDir: evil, spaces: [space], sources: [] }));
  for (const json of [[], ['--json']]) {
    const { code, output } = await run(['config', 'check', '--config', file, ...json]);
    expect(code).toBe(1);
    expect(output).not.toMatch(active);
    expect(output).toContain('must not contain control characters');
  }
});

test('T28: the name of a token is one visible line', async () => {
  for (const name of [evil, '\u200B']) {
    const { code, output } = await run(['token', 'create', '--role', 'viewer', '--name', name, '--config', config]);
    expect(code).toBe(2);
    expect(output).toContain('invisible characters');
    expect(output).not.toMatch(active);
  }
});

test('T28: an export on a terminal is harmless, and in a file complete', async () => {
  const onTerminal = await run(['devices', 'export', '--config', config], true);
  expect(onTerminal.output).toContain(shown);
  expect(onTerminal.output).not.toMatch(active);
  expect((await run(['devices', 'export', '--config', config])).output).toContain(evil);
});

test('T28: what a start says of files is harmless', () => {
  const facts = { httpUrl: 'http://127.0.0.1:8080', radius: [{ host: '127.0.0.1', port: 1813 }] };
  const files = { setupLinkFile: `/${evil}/link`, generatedSecret: { secret: 'x', file: `/${evil}/radius.secret` } };
  const text = formatWelcome({ ...facts, ...files }, new Text(false));
  expect(text).toContain(`/${shown}/link`);
  expect(text).toContain(`/${shown}/radius.secret`);
  expect(text).not.toMatch(active);
});
