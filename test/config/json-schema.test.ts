import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { isSecretField } from '../../src/config/section.ts';
import { Secret } from '../../src/config/secret.ts';

type Schema = {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
};

const published = new URL('../../deploy/rollcall.schema.json', import.meta.url);

test('the published schema is the one that validates; `rollcall config schema` writes it', () => {
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(configJsonSchema());
});

test('every key is described, and every secret has a twin that names a file', () => {
  const fields = [...fieldsOf(configJsonSchema() as Schema, '')];
  expect(fields.length).toBeGreaterThan(40);
  expect(fields.filter(({ schema }) => (schema.description ?? '') === '').map(({ path }) => path)).toEqual([]);
  const paths = new Set(fields.map(({ path }) => path));
  const secrets = fields.filter(({ name }) => isSecretField(name));
  expect(secrets.map(({ path }) => path).filter((path) => !paths.has(`${path}File`))).toEqual([]);
});

test('every field that holds a secret is known as one', () => {
  const file = new URL('../../fixtures/config/good.every-key.yaml', import.meta.url).pathname;
  const environment = { AP_SECRET: 'from-the-environment', REDIS_PASSWORD: 'hunter2' };
  const { config } = loadConfig({ file, environment, workingDir: '/' });
  const holders = secretsIn(config);
  expect(holders.length).toBeGreaterThan(4);
  expect(holders.filter((name) => !isSecretField(name))).toEqual([]);
});

test('the example file is valid', () => {
  const file = new URL('../../deploy/rollcall.example.yaml', import.meta.url).pathname;
  const { config, warnings } = loadConfig({ file, environment: { AP_SECRET: 'k7Qm-2vX9-pLs4-Zt8w' }, workingDir: '/' });
  expect(config.spaces.map(({ id }) => id)).toEqual(['hq']);
  expect(warnings).toEqual([]);
});

test('what the example file shows as commented out is valid too', () => {
  const text = readFileSync(new URL('../../deploy/rollcall.example.yaml', import.meta.url), 'utf8');
  const names = [...text.matchAll(/^ *# (\w+): /gm)].map(([, name]) => name);
  const known = new Set([...fieldsOf(configJsonSchema() as Schema, '')].map(({ name }) => name));
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

function* fieldsOf(schema: Schema, path: string): Generator<{ path: string; name: string; schema: Schema }> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    yield { path: fieldPath, name, schema: field };
    yield* fieldsOf(field, fieldPath);
  }
  if (schema.items !== undefined) yield* fieldsOf(schema.items, `${path}[]`);
  for (const choice of schema.oneOf ?? []) yield* fieldsOf(choice, path);
}

function secretsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => (item instanceof Secret ? [name] : secretsIn(item)));
}
