import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Child, processesIn } from '../support/child.ts';
import { mainFile } from '../support/service.ts';
import { until } from '../support/until.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

test('the demo shows people coming and going within seconds, and leaves nothing behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-demo-test-'));
  opened.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const demo = new Child(process.execPath, [mainFile, 'demo', '--speed', '600'], {
    env: { ...process.env, TMPDIR: dir },
  });
  opened.defer(() => demo.stop());
  await demo.until('showing who comes', () => /\d\d:\d\d {2}→ .+ is in/.test(demo.log), 15_000);
  await demo.until('saying how many are in', () => /in now: [1-9]\d* p/.test(demo.log), 15_000);
  await demo.until('showing who goes', () => /← .+ has left: last active at \d\d:\d\d/.test(demo.log), 60_000);
  expect(await demo.kill('SIGINT')).toBe(0);
  expect(demo.log).toContain('npm start');
  expect(await readdir(dir)).toEqual([]);
  expect(processesIn(dir)).toEqual([]);
}, 100_000);

test('a demo that is killed takes its service with it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-demo-test-'));
  opened.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const demo = new Child(process.execPath, [mainFile, 'demo'], { env: { ...process.env, TMPDIR: dir } });
  opened.defer(() => demo.stop());
  await demo.until('running', () => demo.log.includes('the doors open'));
  expect(processesIn(dir).length).toBeGreaterThan(0);
  await demo.kill('SIGKILL');
  await until('everything that it started is gone', () => processesIn(dir).length === 0);
});

test('a speed that the service could not keep up with is refused in one sentence', async () => {
  const demo = new Child(process.execPath, [mainFile, 'demo', '--speed', '100000']);
  expect(await demo.exited()).toBe(1);
  expect(demo.log.trim()).toBe('rollcall: --speed must lie between 1 and 600, not 100000');
});
