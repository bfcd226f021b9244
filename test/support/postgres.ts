import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { TempDir } from './temp-dir.ts';

const user = 'postgres';
const idle: PostgresServer[] = [];

/**
 * A real PostgreSQL in a directory of its own, on a free port of the loopback. It is run by the user `postgres` when we
 * are root, as it refuses to run as root, and dies with this process.
 */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #dir: TempDir;
  #process: ChildProcess | undefined;
  readonly #names: string[] = [];
  #databases = 0;

  private constructor(dir: TempDir, port: number) {
    this.#dir = dir;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const dir = new TempDir();
    if (isRoot()) chownSync(dir.path, ...ids());
    const initdb = [
      join(binDir(), 'initdb'),
      '--auth=trust',
      `--username=${user}`,
      '--encoding=UTF8',
      '--locale=C.UTF-8',
    ];
    const [command, ...args] = asPostgres([...initdb, '--no-sync', '--pgdata', dir.file('data')]);
    execFileSync(command as string, args, { stdio: 'pipe' });
    const server = new PostgresServer(dir, await freePort());
    await server.resume();
    return server;
  }

  /** One for a test that does not care which: to start one takes a second. Whoever takes it gives it back, running. */
  static async borrow(): Promise<PostgresServer> {
    return idle.pop() ?? (await PostgresServer.start());
  }

  async giveBack(): Promise<void> {
    for (const name of this.#names.splice(0)) await this.query(`drop database ${name} with (force)`);
    idle.push(this);
  }

  /** A new, empty database; its URL. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    this.#names.push(name);
    await this.query(`create database ${name}`);
    return this.url(name);
  }

  url(database: string): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** One statement, by an administrator, in the database `postgres`. */
  async query(text: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url('postgres') });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Every connection is cut, and nobody answers until `resume`. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async resume(): Promise<void> {
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${this.#dir.path}`];
    const options = settings.flatMap((setting) => ['-c', setting]);
    const postgres = [join(binDir(), 'postgres'), '-D', this.#dir.file('data'), '-p', String(this.port), ...options];
    const [command, ...args] = asPostgres(postgres);
    const child = spawn(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-4000);
    });
    this.#process = child;
    for (;;) {
      const answer = await this.query('select 1').catch(() => undefined);
      if (answer) return;
      if (child.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${output}`);
      await delay(50);
    }
  }

  async [Symbol.asyncDispose]() {
    await this.stop('SIGQUIT');
    await this.#dir[Symbol.asyncDispose]();
  }
}

/** `setpriv` becomes the program it starts, so that signals reach PostgreSQL itself and so does the death of ours. */
function asPostgres(command: readonly string[]): readonly string[] {
  const dying = ['setpriv', '--pdeathsig', 'QUIT'];
  const [uid, gid] = isRoot() ? ids() : [];
  const person = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return [...dying, ...person, ...command];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function ids(): [uid: number, gid: number] {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

/** Debian keeps the server's programs out of the path, by version. */
function binDir(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : [];
  const newest = versions.map((version) => join(root, version, 'bin')).find((dir) => existsSync(join(dir, 'initdb')));
  if (newest === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return newest;
}
