import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { radiusSources } from '../../src/config/schema.ts';

let workingDir: string;
beforeEach(() => {
  workingDir = mkdtempSync(join(tmpdir(), 'rollcall-defaults-'));
});
afterEach(() => rm(workingDir, { recursive: true }));

function load(mayWrite: boolean) {
  const loaded = loadConfig({ environment: {}, workingDir, mayWrite });
  return { ...loaded, secret: radiusSources(loaded.config)[0]?.clients[0]?.secret.reveal() };
}

test('without a file there is one space, and RADIUS accounting from private addresses only', () => {
  const { config, file, warnings } = load(false);
  expect(file).toBeUndefined();
  expect(warnings).toEqual([]);
  expect(config.dataDir).toBe(join(workingDir, 'data'));
  expect(config.spaces.map(({ id, name }) => [id, name])).toEqual([['main', 'Main']]);
  expect(config.sources).toMatchObject([{ id: 'radius', listen: { host: '0.0.0.0', port: 1813 } }]);
  expect(radiusSources(config)[0]?.clients.map(({ address }) => address)).toEqual([
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '127.0.0.0/8',
  ]);
});

test('the generated secret is kept for the next start, in a file for its owner only', () => {
  const first = load(true);
  const second = load(true);
  expect(first.secret).toMatch(/^[a-zA-Z2-9]{24}$/);
  expect(second.secret).toBe(first.secret);
  expect(readFileSync(first.radiusSecretFile ?? '', 'utf8')).toBe(`${first.secret}\n`);
  expect(statSync(first.radiusSecretFile ?? '').mode & 0o777).toBe(0o600);
});

test('looking at the defaults writes nothing', () => {
  const { radiusSecretFile } = load(false);
  expect(() => statSync(radiusSecretFile ?? '')).toThrow('ENOENT');
});
