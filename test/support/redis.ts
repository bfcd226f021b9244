import { Redis } from 'ioredis';
import { readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { TempDir } from './temp-dir.ts';

/** A real redis-server with every write synced before it is answered; it comes back with the same data. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Ends it, politely or not; its files stay. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Until it answers, or until it says that it is loading its data. */
  start(settings?: readonly string[], until?: 'PONG' | 'LOADING'): Promise<void>;
  /** Removes the files of a server that was ended: it begins with nothing. */
  empty(): Promise<void>;
  /** To a server that goes on, as SIGSTOP. */
  signal(signal: NodeJS.Signals): void;
  /** What an administrator types. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
}

export type RedisOptions = {
  readonly appendfsync?: 'always' | 'everysec';
  readonly env?: Readonly<Record<string, string>>;
};

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = new TempDir();
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir.path, '--save', '', '--appendonly', 'yes'];
  args.push('--appendfsync', options.appendfsync ?? 'always', '--daemonize', 'no');
  let child: Child | undefined;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop(signal = 'SIGKILL') {
      await child?.kill(signal);
      child = undefined;
    },
    async start(settings = [], awaited = 'PONG') {
      // It goes when this process does, however that ends.
      const command = ['--pdeathsig', 'KILL', 'redis-server', ...args, ...settings];
      child = new Child('setpriv', command, { env: { ...process.env, ...options.env } });
      await child.until('answering', () => answersPing(port, awaited));
    },
    async empty() {
      for (const name of await readdir(dir.path)) await rm(join(dir.path, name), { recursive: true });
    },
    signal: (signal) => child?.signal(signal),
    async command(name, ...words) {
      const client = new Redis(port, { lazyConnect: true, retryStrategy: () => null });
      try {
        await client.connect();
        return await client.call(name, ...words);
      } finally {
        client.disconnect();
      }
    },
    async [Symbol.asyncDispose]() {
      await child?.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
  await server.start();
  return server;
}

const idle: RedisServer[] = [];

/** An empty Redis for a test that does not care which: to start one takes longer than most tests do, so it is given back for the next. */
export async function borrowRedis(): Promise<{ readonly url: string } & AsyncDisposable> {
  // What is tested with it is not the disk.
  const server = idle.pop() ?? (await startRedis({ appendfsync: 'everysec' }));
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.command('FLUSHALL');
      idle.push(server);
    },
  };
}

/** PING is answered with PONG only once the append-only file is loaded. */
function answersPing(port: number, answer: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000);
    const settle = (isIt: boolean) => {
      socket.destroy();
      resolve(isIt);
    };
    socket.on('data', (text) => settle(text.toString().slice(1).startsWith(answer)));
    socket.on('error', () => settle(false));
    socket.on('timeout', () => settle(false));
  });
}
