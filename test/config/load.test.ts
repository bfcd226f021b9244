import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../src/config/problem.ts';
import { radiusSources } from '../../src/config/schema.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/config', import.meta.url));
const environment = { AP_SECRET: 'from-the-environment', REDIS_PASSWORD: 'pa:ss' };

function load(file: string): LoadedConfig {
  return loadConfig({ file: `${fixtures}/${file}`, environment, workingDir: '/' });
}

function failureOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('a faulty configuration is refused with all of its problems, each with its path', () => {
  const faulty = readdirSync(fixtures).filter((name) => name.startsWith('bad.'));
  test.each(faulty)('%s', (name) => {
    const lines = readFileSync(`${fixtures}/${name}`, 'utf8').matchAll(/^# expect: (.*)$/gm);
    const expected = [...lines].map(([, line]) => line?.replace('{dir}', fixtures) ?? '');
    expect(expected.length).toBeGreaterThan(0);
    const error = failureOf(() => load(name));
    expect(error.problems.map(formatProblem).toSorted()).toEqual(expected.toSorted());
    expect(String(error)).not.toContain('hunter2');
  });
});

test('a key that is left out has its default', () => {
  const { config } = load('good.minimal.yaml');
  expect(config).toMatchObject({
    dataDir: `${fixtures}/data`,
    http: { listen: { host: '127.0.0.1', port: 8080 }, trustProxy: [], allowInsecure: false },
    devices: { retireAfter: 86_400_000 },
    privacy: { optIn: 'assumed' },
    logLevel: 'info',
    maxBacklog: 1_000_000,
    lateWindow: 86_400_000,
  });
  expect(config.spaces).toEqual([
    {
      id: 'hq',
      timeZone: 'UTC',
      idleTimeout: 900_000,
      settle: 0,
      rejoin: 3_600_000,
      maxBlind: 7_200_000,
      methods: ['wifi', 'admin', 'pin', 'app', 'card', 'door'],
      identities: {
        order: ['chargeableUserIdentity', 'userName', 'class', 'pskName', 'user', 'portal'],
        stripRealms: [],
        caseSensitive: false,
      },
      requirePass: true,
    },
  ]);
  expect(config.sources[0]).toMatchObject({ listen: { host: '0.0.0.0', port: 1813 } });
  expect(radiusSources(config)[0]?.clients[0]?.requireMessageAuthenticator).toBe(false);
});

test('every key is read, ids are folded, and ranges and durations have one form', () => {
  const { config, warnings } = load('good.every-key.yaml');
  const [aps] = radiusSources(config);
  expect(config.keyFile).toBe(`${fixtures}/good.key-file`);
  expect(config.http).toMatchObject({
    listen: { host: '::1', port: 8443 },
    trustProxy: ['127.0.0.1/32', '2001:db8::/32'],
  });
  expect(config.spaces.map(({ id, idleTimeout, settle }) => [id, idleTimeout, settle])).toEqual([
    ['hq', 90_000, 250],
    ['annex@2', 900_000, 0],
  ]);
  expect(aps?.clients.map(({ address, space, reportingInterval }) => [address, space, reportingInterval])).toEqual([
    ['192.0.2.0/24', 'annex@2', 600_000],
    ['2001:db8::1/128', undefined, undefined],
  ]);
  expect(warnings).toEqual([]);
});

test('secrets come from the environment, from files without the white space around them, or as they are', () => {
  const { config } = load('good.every-key.yaml');
  const [first, second] = radiusSources(config)[0]?.clients ?? [];
  expect(config.redisUrl?.reveal()).toBe('rediss://rollcall:pa:ss@192.0.2.5:6380/1');
  expect(config.databaseUrl?.reveal()).toBe('postgres://rollcall:p%40ss@192.0.2.6/rollcall');
  expect(config.http.adminToken?.reveal()).toBe('an-admin-token-from-a-file');
  expect(first?.secret.reveal()).toBe('from-the-environment');
  expect(first?.previousSecret?.reveal()).toBe('an-admin-token-from-a-file');
  expect(second?.secret.reveal()).toBe('a literal ${NAME} in it');
});

test('the configuration cannot be changed once it is read', () => {
  const { config } = load('good.every-key.yaml');
  for (const part of [
    config,
    config.http,
    config.http.tls,
    config.spaces,
    config.spaces[0],
    radiusSources(config)[0]?.clients[0],
  ]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('an empty file is an empty configuration, and says that nobody can check in', () => {
  const { config, warnings } = loadConfig({ file: '/dev/null', environment, workingDir: '/' });
  expect(config.spaces).toEqual([]);
  expect(warnings.map(({ path }) => path)).toEqual(['spaces', 'sources']);
});

test('ROLLCALL_CONFIG names the file, and --config overrides it', () => {
  const named = { ...environment, ROLLCALL_CONFIG: `${fixtures}/good.minimal.yaml` };
  expect(loadConfig({ environment: named, workingDir: '/' }).file).toBe(`${fixtures}/good.minimal.yaml`);
  const other = loadConfig({ file: 'good.every-key.yaml', environment: named, workingDir: fixtures });
  expect(other.file).toBe(`${fixtures}/good.every-key.yaml`);
});

test('a file that is named and missing is an error, not a reason for the defaults', () => {
  expect(() => load('nothing-here.yaml')).toThrow(/cannot read the configuration ".*" \(no such file\)/);
});
