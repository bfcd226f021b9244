import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../runtime/user-error.ts';

const mainFile = fileURLToPath(new URL('../main.ts', import.meta.url));
/**
 * Ends the service when the demo is gone, however it went: a closed terminal and `kill -9` close this end of the pipe
 * too. `exec` keeps the process id, so that the child that Node sees is the service itself.
 */
const UNTIL_PARENT_DIES = '(cat <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&-';
const READY_WITHIN_MS = 20_000;
const USUAL_PORT = 8080;
const LOG_LIMIT = 20_000;

/** A real Rollcall of the demo's own: its own folder, ports and secrets; all of it is gone afterwards. */
export class VenueService implements AsyncDisposable {
  readonly httpUrl: string;
  readonly radiusPort: number;
  readonly radiusSecret = randomBytes(16).toString('hex');
  readonly token = randomBytes(24).toString('base64url');
  readonly #dir: string;
  #child: ChildProcess | undefined;
  #log = '';

  static async start(space: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<VenueService> {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-demo-'));
    const service = new VenueService(dir, await freeTcpPort(), await freeUdpPort());
    try {
      await service.#start(space, signal);
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(dir: string, httpPort: number, radiusPort: number) {
    this.#dir = dir;
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    this.radiusPort = radiusPort;
  }

  async #start(space: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    const configFile = join(this.#dir, 'rollcall.yaml');
    const client = { address: '127.0.0.1/32', secret: this.radiusSecret };
    const config = {
      dataDir: join(this.#dir, 'data'),
      http: { listen: this.httpUrl.slice('http://'.length), adminToken: this.token },
      spaces: [space],
      sources: [
        { id: 'aps', type: 'radius', space: space['id'], listen: `127.0.0.1:${this.radiusPort}`, clients: [client] },
      ],
    };
    // Every JSON document is a YAML document.
    await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
    const serve = [process.execPath, mainFile, 'serve', '--config', configFile];
    const child = spawn('sh', ['-c', UNTIL_PARENT_DIES, 'sh', ...serve], {
      // A process group of its own, so that Ctrl-C reaches the demo alone, which then ends the service in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    const collect = (text: Buffer) => {
      this.#log = (this.#log + text.toString()).slice(-LOG_LIMIT);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    for (let waited = 0; !(await this.#isReady()); waited += 50) {
      signal.throwIfAborted();
      if (this.ended || waited > READY_WITHIN_MS)
        throw new UserError(`the demo's Rollcall did not start; it said: ${this.#log.trim() || 'nothing'}`);
      await delay(50);
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.httpUrl}/readyz`)).ok;
    } catch {
      // Nobody listens yet.
      return false;
    }
  }

  get ended(): boolean {
    return this.#child !== undefined && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  get log(): string {
    return this.#log;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(this.httpUrl + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child !== undefined && !this.ended) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(patience);
    }
    child?.stdio[3]?.destroy();
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The port that the README names, when nothing else has it, since people type it. */
async function freeTcpPort(): Promise<number> {
  return (await tcpPort(USUAL_PORT)) ?? (await tcpPort(0)) ?? 0;
}

async function tcpPort(wanted: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  } catch {
    // Taken: the caller has another idea.
    return undefined;
  } finally {
    server.close();
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
