import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lockDataDirectory } from '../../src/db/lock.ts';
import { TempDir } from '../support/temp-dir.ts';

test('a second holder is refused, with who the first one is', async () => {
  await using dir = new TempDir();
  using _lock = lockDataDirectory(dir.path);
  expect(() => lockDataDirectory(dir.path)).toThrow(
    new RegExp(`another Rollcall \\(process ${process.pid} on .*\\)`, 'u'),
  );
});

test('the lock is free once it is released', async () => {
  await using dir = new TempDir();
  lockDataDirectory(dir.path)[Symbol.dispose]();
  expect(() => lockDataDirectory(dir.path)[Symbol.dispose]()).not.toThrow();
});

test('another process is refused while the holder lives, and let in once it was killed', async () => {
  await using dir = new TempDir();
  const module = new URL('../../src/db/lock.ts', import.meta.url).href;
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { lockDataDirectory } from ${JSON.stringify(module)};
     globalThis.lock = lockDataDirectory(${JSON.stringify(dir.path)});
     console.log('locked');
     setInterval(() => undefined, 1000);`,
  ]);
  await once(holder.stdout, 'data');
  expect(() => lockDataDirectory(dir.path)).toThrow(new RegExp(`process ${holder.pid} on`, 'u'));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  using _lock = lockDataDirectory(dir.path);
});

test('a directory that cannot be written to is refused with what to do', () => {
  expect(() => lockDataDirectory('/dev/null/data')).toThrow(/check that this user may write to it/u);
});
