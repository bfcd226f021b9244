import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

type ComposeService = {
  readonly image?: string;
  readonly build?: { readonly context: string };
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
};
type Compose = {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url));
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const compose = parse(readFileSync(`${deploy}compose.yaml`, 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const run = promisify(execFile);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-deploy-'));
  execFileSync('sh', [`${deploy}secrets.sh`, join(folder, 'secrets')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('deploy/compose.yaml', () => {
  test.each(services)('%s can do nothing that it does not need', (_name, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
  });

  test('every service is watched, ours by the health check of its image', () => {
    const others = services.filter(([name]) => name !== 'rollcall');
    expect(others.map(([, service]) => service.healthcheck?.test[0])).toEqual(['CMD', 'CMD']);
    expect(Object.values(compose.services['rollcall']?.depends_on ?? {})).toEqual([
      { condition: 'service_healthy' },
      { condition: 'service_healthy' },
    ]);
  });

  test('networks, volumes and secrets that are used are also described', () => {
    for (const [, service] of services) {
      for (const network of service.networks ?? []) expect(compose.networks).toHaveProperty(network);
      for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty(secret);
      const mounts = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
      const found = (source: string) =>
        source.startsWith('.') ? existsSync(join(deploy, source)) : source in compose.volumes;
      expect(mounts.filter((source) => !found(source))).toEqual([]);
    }
    expect(existsSync(join(deploy, compose.services['rollcall']?.build?.context ?? 'nowhere', 'Dockerfile'))).toBe(
      true,
    );
  });

  test('Redis and PostgreSQL cannot be reached from outside', () => {
    expect(compose.networks['back']?.internal).toBe(true);
    for (const name of ['redis', 'postgres']) expect(compose.services[name]?.networks).toEqual(['back']);
  });

  test('Redis keeps what was acknowledged: synced always, never evicted', () => {
    const command = compose.services['redis']?.command?.join(' ') ?? '';
    expect(command).toContain('--appendonly yes --appendfsync always');
    expect(command).toContain('--maxmemory-policy noeviction');
  });

  test('secrets come from files alone', () => {
    const text = readFileSync(`${deploy}compose.yaml`, 'utf8');
    expect(text).not.toMatch(/PASSWORD:/);
    for (const { file } of Object.values(compose.secrets)) expect(dirname(file)).toBe('./secrets');
  });
});

describe('deploy/secrets.sh', () => {
  test('makes every secret that compose names, in a folder that nobody else can enter', () => {
    for (const { file } of Object.values(compose.secrets))
      expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^\S{24,}\n$/);
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
  });

  test('keeps what is there when it runs again', () => {
    const read = () => Object.values(compose.secrets).map(({ file }) => readFileSync(join(folder, file), 'utf8'));
    const before = read();
    execFileSync('sh', [`${deploy}secrets.sh`, join(folder, 'secrets')]);
    expect(read()).toEqual(before);
  });
});

describe('deploy/rollcall.yaml', () => {
  test('is a good configuration with the secrets that secrets.sh makes', async () => {
    // The container's /run/secrets, found in this test's folder instead.
    const text = readFileSync(`${deploy}rollcall.yaml`, 'utf8');
    const file = join(folder, 'rollcall.yaml');
    writeFileSync(file, text.replaceAll('/run/secrets/', `${join(folder, 'secrets')}/`), { mode: 0o600 });
    const { stdout } = await run(process.execPath, [main, 'config', 'check', '--config', file]);
    expect(stdout).not.toMatch(/is easy to guess|unknown/);
  });

  test('names only secrets that compose gives to the service', () => {
    const given = compose.services['rollcall']?.secrets ?? [];
    const named = [...readFileSync(`${deploy}rollcall.yaml`, 'utf8').matchAll(/\/run\/secrets\/([\w-]+)/g)];
    expect(new Set(named.map((match) => match[1]))).toEqual(new Set(given));
  });
});
