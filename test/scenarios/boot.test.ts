import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Child } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { mainFile, Service } from '../support/service.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

/** What a refused start wrote: exactly one line, which is a sentence of ours and no stack. */
async function refusalOf(child: Child): Promise<string> {
  expect(await child.exited()).toBe(1);
  const lines = child.log
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
  expect(lines).toHaveLength(1);
  expect(child.log).not.toMatch(/\n\s+at /);
  return lines[0] ?? '';
}

async function refusedStart(options: Parameters<typeof Service.prepare>[0]): Promise<string> {
  const service = opened.use(await Service.prepare(options));
  return refusalOf(service.startAnother());
}

describe('rollcall serve', () => {
  test('boots the real command, becomes ready, and ends in order when asked to', async () => {
    const service = opened.use(await Service.start());
    expect((await service.api.request('GET', '/livez')).status).toBe(200);
    expect(await service.kill('SIGTERM')).toBe(0);
  });

  test('boots without any configuration, and says what to type into an access point', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-defaults-'));
    opened.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
    const child = new Child(process.execPath, [mainFile, 'serve'], { cwd: dir });
    opened.defer(() => child.stop());
    // The default ports may be taken on the machine that runs this; then that is what must be said.
    await Promise.race([child.until('serving', () => /Port +1813 UDP/.test(child.log)), child.exited()]);
    expect(child.log).toMatch(
      /Rollcall is running[^]*Port +1813 UDP|port 1813: another process listens|port 8080: another process uses/,
    );
  });

  test('a port that is taken ends it with one sentence that names the port', async () => {
    const taken = createServer().listen(await freePort(), '127.0.0.1');
    await once(taken, 'listening');
    opened.defer(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const sentence = await refusedStart({ config: { http: { listen: `127.0.0.1:${port}` } } });
    expect(sentence).toContain(`${port}: another process uses this port`);
  });

  test('a Redis that is not there ends it with one sentence that says what to do', async () => {
    const sentence = await refusedStart({ redisUrl: `redis://127.0.0.1:${await freePort()}` });
    expect(sentence).toMatch(/redis/i);
  });

  test('a PostgreSQL that is not there ends it with one sentence, which keeps the password to itself', async () => {
    const sentence = await refusedStart({
      databaseUrl: `postgres://rollcall:hush-hush@127.0.0.1:${await freePort()}/rollcall`,
    });
    expect(sentence).toMatch(/postgres|database/i);
    expect(sentence).not.toContain('hush-hush');
  });

  test('a broken configuration ends it, naming every problem with its path', async () => {
    const service = opened.use(await Service.prepare());
    await writeFile(service.configFile, 'spaces: [{ id: main, idelTimeout: 5m }]\nsauces: []\n', { mode: 0o600 });
    const child = service.startAnother();
    expect(await child.exited()).toBe(1);
    expect(child.log).toContain('spaces[0].idelTimeout');
    expect(child.log).toContain('sauces');
    expect(child.log).not.toMatch(/\n\s+at /);
  });

  test('T29: a second process on the same data directory is refused, and the first goes on', async () => {
    const service = opened.use(await Service.start());
    const [http, radius] = [await freePort(), await freePort()];
    const rival = opened.use(
      await Service.prepare({
        config: {
          dataDir: service.dataDir,
          http: { listen: `127.0.0.1:${http}` },
          sources: [
            {
              id: 'aps',
              type: 'radius',
              space: 'main',
              listen: `127.0.0.1:${radius}`,
              clients: [{ address: '127.0.0.1/32', secret: service.radiusSecret }],
            },
          ],
        },
      }),
    );
    expect(await refusalOf(rival.startAnother())).toContain(service.dataDir);
    expect(await service.isReady()).toBe(true);
  });
});
