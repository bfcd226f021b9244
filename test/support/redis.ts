import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';

/** A real redis-server with every write synced before it is answered; it comes back with the same data. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Ends it, politely or not; its files stay. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

export async function startRedis(options: { readonly appendfsync?: 'always' | 'everysec' } = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes'];
  args.push('--appendfsync', options.appendfsync ?? 'always', '--daemonize', 'no');
  let child: Child | undefined;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop(signal = 'SIGKILL') {
      await child?.kill(signal);
      child = undefined;
    },
    async start() {
      child = new Child('redis-server', args);
      await child.until('answering', () => answersPing(port));
    },
    async [Symbol.asyncDispose]() {
      await child?.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** PING is answered with PONG only once the append-only file is loaded. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (text) => settle(text.toString().startsWith('+PONG')));
    socket.on('error', () => settle(false));
    socket.on('timeout', () => settle(false));
  });
}
