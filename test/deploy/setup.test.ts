import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a script with nothing on the PATH but what a test puts there. */
function run(file: string, args: readonly string[], path: string): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile('/bin/sh', [file, ...args], { env: { PATH: path } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-setup-'));
  await mkdir(join(dir, 'bin'));
  await mkdir(join(dir, 'project/deploy'), { recursive: true });
  for (const script of ['setup.sh', 'rollcall'])
    await copyFile(join(root, 'deploy', script), join(dir, 'project/deploy', script));
  for (const tool of ['dirname', 'ln', 'ls', 'uname', 'readlink'])
    await symlink(`/usr/bin/${tool}`, join(dir, 'bin', tool));
});
afterEach(() => rm(dir, { recursive: true }));

/** A program that a machine may have, as far as the script is concerned. */
async function provide(name: string, script: string): Promise<void> {
  await writeFile(join(dir, 'bin', name), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, 'bin', name), 0o755);
}

async function installPackages(nodeVersion: string): Promise<void> {
  await mkdir(join(dir, 'project/node_modules/.bin'), { recursive: true });
  await writeFile(join(dir, 'project/package-lock.json'), '{}');
  await writeFile(join(dir, 'project/node_modules/.package-lock.json'), '{}');
  await writeFile(join(dir, 'project/node_modules/.bin/vitest'), '');
  await provide('node', `echo ${nodeVersion}`);
}

const setup = (purpose: string) => run(join(dir, 'project/deploy/setup.sh'), [purpose], join(dir, 'bin'));

test('nothing is said or done when nothing is missing', async () => {
  await installPackages('v24.12.0');
  expect(await setup('check')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.each(['v20.20.2', 'v24.11.9', 'v22.30.0'])('Node %s is too old, and that is said', async (version) => {
  await installPackages(version);
  const { code, stderr } = await setup('check');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^setup: Node.js 24.12 or newer is needed and this is ${version}; .*nodejs.org\n$`),
  );
});

test('Node 24 is linked again when npm 10 has removed its link', async () => {
  await installPackages('v20.20.2');
  const program = join(dir, 'project/node_modules/node-linux-any/bin/node');
  await mkdir(join(program, '..'), { recursive: true });
  await writeFile(program, '#!/bin/sh\necho v24.21.0\n', { mode: 0o755 });
  expect(await setup('check')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('without the right to install packages, the command to run is said', async () => {
  await installPackages('v24.12.0');
  await provide('apt-get', 'echo must not be run; exit 99');
  await provide('id', 'echo 1000');
  const { code, stdout, stderr } = await setup('bench');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(
    'setup: run: sudo apt-get update && sudo apt-get install --no-install-recommends redis-server gcc',
  );
});

test('a machine without apt is told what it needs', async () => {
  await installPackages('v24.12.0');
  const { code, stderr } = await setup('serve');
  expect(code).toBe(1);
  expect(stderr).toBe('setup: please install these programs and repeat the command: redis-server\n');
});

test('rollcall says that its packages are missing, or that Node is too old, before anything else fails', async () => {
  const launcher = join(dir, 'project/deploy/rollcall');
  const bare = await run(launcher, ['--version'], join(dir, 'bin'));
  expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('run npm ci in ') });
  await installPackages('v20.20.2');
  const old = await run(launcher, ['--version'], join(dir, 'bin'));
  expect(old).toMatchObject({ code: 1, stderr: expect.stringContaining('needed and this is v20.20.2; ') });
});

test('rollcall runs with the Node of the project, whichever Node is outside', async () => {
  await provide('node', 'echo v20.20.2');
  const { code, stdout } = await run(join(root, 'deploy/rollcall'), ['--version'], join(dir, 'bin'));
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
