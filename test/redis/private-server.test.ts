import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRedis, type Redis } from '../../src/redis/connect.ts';
import { readDurability } from '../../src/redis/durability.ts';
import { PrivateRedisServer } from '../../src/redis/private-server.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const logger = createLogger({ level: 'silent' });
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollcall-private-redis-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function connected(server: PrivateRedisServer): Promise<Redis> {
  const redis = createRedis({ socket: server.socket }, logger);
  await redis.connect();
  return redis;
}

const pidOf = (directory: string): number => Number(readFileSync(join(directory, 'redis', 'redis.pid'), 'utf8'));

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('it syncs each write before it answers, and only this user may connect', async () => {
  await using server = await PrivateRedisServer.start(dataDir, logger);
  const redis = await connected(server);
  expect(await readDurability(redis, 'any')).toBe('always');
  expect(statSync(server.socket).mode & 0o777).toBe(0o700);
  redis.disconnect();
});

test('what was written is there after it was killed, and it comes back by itself', async () => {
  await using server = await PrivateRedisServer.start(dataDir, logger);
  const redis = await connected(server);
  await redis.set('kept', 'yes');
  const first = pidOf(dataDir);
  process.kill(first, 'SIGKILL');
  await until('redis is back with its data', async () => (await redis.get('kept').catch(() => null)) === 'yes');
  expect(pidOf(dataDir)).not.toBe(first);
  redis.disconnect();
});

test('it ends when the process that started it is killed, and a new start finds its data', async () => {
  const module = new URL('../../src/redis/private-server.ts', import.meta.url).href;
  const script = `
    const { PrivateRedisServer } = await import(${JSON.stringify(module)});
    await PrivateRedisServer.start(${JSON.stringify(dataDir)}, { error() {} });
    console.log('started');
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout, 'data');
  const pid = pidOf(dataDir);
  const socket = join(dataDir, 'redis', 'redis.sock');
  execFileSync('redis-cli', ['-s', socket, 'set', 'kept', 'yes']);
  parent.kill('SIGKILL');
  await using server = await PrivateRedisServer.start(dataDir, logger);
  expect(isRunning(pid)).toBe(false);
  const redis = await connected(server);
  expect(await redis.get('kept')).toBe('yes');
  redis.disconnect();
});

test('a data directory too deep for a socket gets a short one of its own', async () => {
  const deep = join(dataDir, 'a'.repeat(60), 'b'.repeat(60));
  await using server = await PrivateRedisServer.start(deep, logger);
  expect(Buffer.byteLength(server.socket)).toBeLessThanOrEqual(107);
  const redis = await connected(server);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

test('a process id that belongs to somebody else now is left alone', async () => {
  await using other = await startRedis();
  const pid = Number(
    execFileSync('redis-cli', ['-p', String(other.port), 'info', 'server'])
      .toString()
      .match(/process_id:(\d+)/)?.[1],
  );
  mkdirSync(join(dataDir, 'redis'));
  writeFileSync(join(dataDir, 'redis', 'redis.pid'), `${pid}\n`);
  await using server = await PrivateRedisServer.start(dataDir, logger);
  expect(isRunning(pid)).toBe(true);
  expect(server.socket).toContain(dataDir);
});
