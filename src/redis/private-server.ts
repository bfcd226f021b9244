import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import type { Logger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';

/** A UNIX socket's path may be 107 bytes long (unix(7)); a deep data directory gets a short path of its own. */
const longestSocketPath = 100;

/**
 * Runs until its parent is gone: the watcher's end of the pipe closes however the parent died, and Redis then shuts
 * down in order. `exec` keeps the process id, so the child that Node sees is Redis itself.
 */
const untilParentDies = '(cat <&3; kill $$) >/dev/null 2>&1 & exec redis-server "$@" 3<&-';

/**
 * The private redis-server of a single box: a supervised child with append-only persistence in the data directory,
 * synced before it answers, and reachable by a socket that only this user may open.
 */
export class PrivateRedisServer implements AsyncDisposable {
  readonly socket: string;
  readonly #directory: string;
  readonly #logger: Logger;
  #child: ChildProcess | undefined;
  #closing = false;
  #exited: Promise<void> = Promise.resolve();

  private constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
    const beside = join(directory, 'redis.sock');
    if (Buffer.byteLength(beside) <= longestSocketPath) {
      this.socket = beside;
    } else {
      this.socket = join(ownShortDirectory(directory), 'redis.sock');
    }
  }

  static async start(dataDir: string, logger: Logger): Promise<PrivateRedisServer> {
    const directory = resolve(dataDir, 'redis');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    await endPredecessor(directory);
    const server = new PrivateRedisServer(directory, logger);
    await server.#launch();
    return server;
  }

  async #launch(): Promise<void> {
    rmSync(this.socket, { force: true });
    const settings: Record<string, string> = {
      port: '0',
      unixsocket: this.socket,
      unixsocketperm: '700',
      dir: this.#directory,
      pidfile: join(this.#directory, 'redis.pid'),
      daemonize: 'no',
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      'aof-load-truncated': 'yes',
      'maxmemory-policy': 'noeviction',
      'auto-aof-rewrite-percentage': '100',
      'auto-aof-rewrite-min-size': '64mb',
      loglevel: 'warning',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('sh', ['-c', untilParentDies, 'redis-server', ...args], {
      // A group of its own: Ctrl-C must reach the service first, which then stops Redis last.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2_000);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', (error) => {
      output = error.message;
    });
    const lifeline = child.stdio[3] as Writable;
    lifeline.on('error', () => undefined);
    this.#exited = new Promise((done) => {
      child.on('exit', () => {
        lifeline.destroy();
        done();
      });
    });
    try {
      await this.#untilListening(child, () => output);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    child.once('exit', (code, signal) => {
      if (this.#closing) return;
      this.#logger.error({ code, signal, output: output.trim() }, 'the private redis-server ended; starting it again');
      void this.#relaunch();
    });
  }

  async #untilListening(child: ChildProcess, output: () => string): Promise<void> {
    // Loading a large append-only file takes a while before the socket answers, but the socket is there at once.
    for (let waited = 0; waited < 10_000; waited += 20) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (await accepts(this.socket)) return;
      await delay(20);
    }
    if (child.exitCode === 127) {
      throw new UserError('there is no redis-server; install it with "apt-get install redis-server", or set redisUrl');
    }
    const said = output().trim().split('\n').at(-1)?.replace(/^.*# /u, '') ?? '';
    throw new UserError(
      `the private redis-server did not start in "${this.#directory}" (${said || `exit code ${child.exitCode}`}); mend what it says, or move that directory away: the ledger is kept elsewhere`,
    );
  }

  async #relaunch(): Promise<void> {
    for (let attempt = 0; !this.#closing; attempt += 1) {
      try {
        await this.#exited;
        if (this.#closing) return;
        await this.#launch();
        return;
      } catch (error) {
        this.#logger.error({ err: error }, 'the private redis-server does not start');
        await delay(Math.min(100 * 2 ** attempt, 5_000));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#child?.kill('SIGTERM');
    const killer = setTimeout(() => this.#child?.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(killer);
  }
}

async function accepts(socket: string): Promise<boolean> {
  return await new Promise((done) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      done(true);
    });
    probe.once('error', () => done(false));
  });
}

/** A service that was killed leaves its Redis to shut down; two of them on one append-only file would ruin it. */
async function endPredecessor(directory: string): Promise<void> {
  const pidFile = join(directory, 'redis.pid');
  const pid = readPid(pidFile);
  if (pid === undefined) return;
  for (let waited = 0; isRedisOf(directory, pid); waited += 50) {
    if (waited === 0) signal(pid, 'SIGTERM');
    if (waited === 10_000) signal(pid, 'SIGKILL');
    await delay(50);
  }
  rmSync(pidFile, { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Process ids are used again: it is ours only if it is a redis-server that works in this directory. */
function isRedisOf(directory: string, pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const isAlive = stat.includes('(redis-server)') && !/\) Z /.test(stat);
    return isAlive && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(directory);
  } catch {
    return false;
  }
}

/** A short directory that no other user of this machine can have made, or can look into. */
function ownShortDirectory(directory: string): string {
  const short = join(tmpdir(), `rollcall-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`);
  mkdirSync(short, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(short);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0) {
    throw new UserError(
      `"${short}" belongs to somebody else; choose a dataDir whose path is shorter than 80 characters`,
    );
  }
  return short;
}
