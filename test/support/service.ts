import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiClient, createApiClient } from './api-client.ts';
import { Child, childrenOf, processesIn } from './child.ts';
import { EventStream } from './event-stream.ts';
import { freePort } from './free-port.ts';
import { noteKey, noteSecret } from './log-scan.ts';

export const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TOKEN = 'a-token-for-the-tests-and-nothing-else';
const SECRET = 'a-radius-secret-for-the-tests';

export type SpaceSection = { readonly id: string; readonly [key: string]: unknown };

export type ServiceOptions = {
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
  /**
   * Space sections of rollcall.yaml; one `main` with an idle timeout of 3 s when left out. The access points of the
   * first send from 127.0.0.1, those of the second from 127.0.0.2, and so on.
   */
  readonly spaces?: readonly SpaceSection[];
  /** More top-level keys of rollcall.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** More sources than the access points. */
  readonly sources?: readonly object[];
  /** The address that HTTP is served on; 127.0.0.1 when left out. */
  readonly httpHost?: string;
  /** More keys of each RADIUS client. */
  readonly client?: Readonly<Record<string, unknown>>;
  /** More of the environment, for the service and what it starts. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The real command, `rollcall serve --config FILE`, as a process of its own on free ports in a folder of its own. */
export class Service implements AsyncDisposable {
  readonly dir: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly httpUrl: string;
  readonly radiusPort: number;
  readonly radiusSecret = SECRET;
  readonly token = TOKEN;
  readonly api: ApiClient;
  readonly #env: NodeJS.ProcessEnv;
  #child: Child | undefined;
  #earlierLog = '';

  /** Prepares the folder and the configuration, and starts nothing. */
  static async prepare(options: ServiceOptions = {}): Promise<Service> {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-service-'));
    const service = new Service(dir, await freePort(), await freePort(), options);
    await writeFile(service.configFile, JSON.stringify(service.#configuration(options), null, 2), { mode: 0o600 });
    return service;
  }

  static async start(options: ServiceOptions = {}): Promise<Service> {
    const service = await Service.prepare(options);
    try {
      await service.start();
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(dir: string, httpPort: number, radiusPort: number, { env, httpHost }: ServiceOptions) {
    this.dir = dir;
    noteSecret('a token', TOKEN);
    noteSecret('a RADIUS secret', SECRET);
    this.#env = { ...process.env, ...env };
    this.dataDir = join(dir, 'data');
    this.configFile = join(dir, 'rollcall.yaml');
    this.httpUrl = `http://${httpHost ?? '127.0.0.1'}:${httpPort}`;
    this.radiusPort = radiusPort;
    this.api = createApiClient(() => this.httpUrl, TOKEN);
  }

  #configuration(options: ServiceOptions): unknown {
    const spaces = options.spaces ?? [{ id: 'main', idleTimeout: '3s' }];
    const clients = spaces.map(({ id }, index) => {
      return { address: `127.0.0.${index + 1}/32`, secret: SECRET, space: id, ...options.client };
    });
    const listen = `0.0.0.0:${this.radiusPort}`;
    return {
      dataDir: this.dataDir,
      ...(options.redisUrl === undefined ? {} : { redisUrl: options.redisUrl }),
      ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
      http: { listen: this.httpUrl.slice('http://'.length), adminToken: TOKEN },
      spaces,
      sources: [{ id: 'aps', type: 'radius', space: spaces[0]?.id, listen, clients }, ...(options.sources ?? [])],
      ...options.config,
    };
  }

  /** Runs the command until it answers that it can record. */
  async start(): Promise<void> {
    this.#child = this.startAnother();
    await this.#child.until('ready', () => this.isReady(), 45_000);
  }

  /** Another process of the same command with the same configuration; the caller ends it. */
  startAnother(): Child {
    const args = [mainFile, 'serve', '--config', this.configFile];
    return new Child(process.execPath, args, { cwd: this.dir, env: this.#env });
  }

  /** Ends the process alone and waits until it is gone; what it started is left as the kernel leaves it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | string> {
    const child = this.#child;
    if (child === undefined) return 'not running';
    this.#child = undefined;
    const ended = await child.kill(signal);
    this.#earlierLog += child.log;
    return ended;
  }

  /** To a process that goes on, as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  /** The sum of a metric over the labels that are not given, as `radius_requests_total{result="replay"}`; 0 without a sample. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const text = await this.api.get<string>('/metrics');
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Process ids of the private redis-server, which is none when `redisUrl` was given. */
  redisPids(): readonly number[] {
    return this.#child === undefined ? [] : childrenOf(this.#child.pid, 'redis-server');
  }

  /** What it has made for itself, none of which it may tell. */
  #noteSecrets(): void {
    const read = (...names: readonly string[]): Buffer => {
      const file = join(this.dataDir, ...names);
      return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    };
    noteKey('the master key', read('keys', 'master.key'));
    noteSecret('a set-up link', read('setup-link').toString().trim());
  }

  get log(): string {
    return this.#earlierLog + (this.#child?.log ?? '');
  }

  /** Exit code or signal of a process that ended by itself. */
  get ended(): number | string | undefined {
    return this.#child?.ended;
  }

  async readiness(): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.api.request('GET', '/readyz').catch(() => ({ status: 0, body: 'no answer' }));
  }

  async isReady(): Promise<boolean> {
    return (await this.readiness()).status === 200;
  }

  sse(after?: number): Promise<EventStream> {
    return EventStream.open(`${this.httpUrl}/v1/events`, TOKEN, after);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stop();
    this.#noteSecrets();
    for (const pid of processesIn(this.dir)) endQuietly(pid);
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
