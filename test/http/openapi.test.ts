import { afterAll, beforeAll, expect, test } from 'vitest';
import { roles } from '../../src/http/access.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { openWorld, type World } from './world.ts';

type Operation = {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly 'x-roles'?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: object }>>;
};
type Document = {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

let world: World;
let document: Document;
let operations: readonly (readonly [name: string, path: string, operation: Operation])[];

beforeAll(async () => {
  world = await openWorld();
  document = (await world.call('GET', '/openapi.json', { token: null })).body as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, path, operation] as const),
  );
});
afterAll(() => world[Symbol.asyncDispose]());

test('it is an OpenAPI 3.1 document', () => {
  expect(document.openapi).toBe('3.1.0');
});

test('every call is in it, and only the pages are not', async () => {
  const routes: string[] = [];
  const app = createHttpServer(world.ports);
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    const refused = schema?.hide === true && [method].flat().includes('OPTIONS');
    if (config?.access === undefined || refused) return;
    const path = url.replaceAll(/:(\w+)/g, '{$1}');
    routes.push(...[method].flat().map((each) => `${each} ${path}`));
  });
  await app.ready();
  await app.close();
  const documented = new Set(operations.map(([name]) => name));
  const missing = routes.filter((route) => !documented.has(route) && !route.startsWith('HEAD '));
  expect(missing).toEqual(['GET /start', 'GET /pages/start.js', 'GET /pages/page.css', 'GET /pages/mark.svg', 'GET /']);
  expect(documented.size).toBeGreaterThan(15);
});

test('every call says what it does, under a tag that is explained, and who may make it', () => {
  const tags = new Set(document.tags.map(({ name }) => name));
  const known = new Set<string>(roles);
  const complaints = operations.flatMap(([name, , operation]) => {
    const allowed = operation['x-roles'];
    const open = operation.security?.length === 0;
    return [
      /^\S.{3,}/.test(operation.summary ?? '') ? [] : [`${name} has no summary`],
      operation.tags?.length === 1 && tags.has(operation.tags[0] ?? '') ? [] : [`${name} has no tag`],
      allowed?.every((role) => known.has(role)) === true ? [] : [`${name} has no roles`],
      open || allowed?.includes('admin') === true ? [] : [`${name} shuts the admin out`],
    ].flat();
  });
  expect(complaints).toEqual([]);
});

test('every call says how it succeeds and how it fails', () => {
  const complaints = operations.flatMap(([name, , { responses, security = [] }]) => {
    const expected = ['500', ...(security.length > 0 ? ['401', '403', '429'] : [])];
    const described = Object.entries(responses).flatMap(([status, { description = '', content = {} }]) => {
      const isProblem = Object.keys(content).join() === 'application/problem+json';
      return [
        /\S/.test(description) && description !== 'Default Response' ? [] : [`${name} ${status} is not described`],
        Number(status) < 400 || isProblem || name === 'GET /readyz' ? [] : [`${name} ${status} is no problem`],
      ].flat();
    });
    return [
      ...described,
      ...expected.filter((status) => responses[status] === undefined).map((status) => `${name} lacks ${status}`),
      ...(Object.keys(responses).some((status) => status.startsWith('2')) ? [] : [`${name} never succeeds`]),
    ];
  });
  expect(complaints).toEqual([]);
});

test('parameters of the path are all declared, and required', () => {
  const declared = operations.map(([name, , { parameters = [] }]) => [
    name,
    parameters.filter((parameter) => parameter.in === 'path' && parameter.required === true).map((each) => each.name),
  ]);
  const inPath = operations.map(([name, path]) => [name, [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])]);
  expect(declared).toEqual(inPath);
});

test('bodies are JSON and refuse unknown fields, but for the one that is a file', () => {
  const bodies = operations.flatMap(([name, , { requestBody }]) =>
    requestBody === undefined || name === 'POST /v1/devices/import' ? [] : [requestBody.content],
  );
  expect(bodies.length).toBeGreaterThan(4);
  expect(bodies.filter((content) => Object.keys(content).join() !== 'application/json')).toEqual([]);
  expect(bodies.filter((content) => !JSON.stringify(content).includes('"additionalProperties":false'))).toEqual([]);
});

test('every reference leads somewhere, and every component is referred to', () => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  const referred = new Set([...references].map(([, name]) => name));
  expect(referred).toEqual(new Set(Object.keys(document.components.schemas)));
});

test('calls that may be repeated safely say so', () => {
  const repeatable = operations
    .filter(([, , { parameters = [] }]) => parameters.some((parameter) => parameter.name === 'Idempotency-Key'))
    .map(([name]) => name);
  expect(repeatable).toEqual(expect.arrayContaining(['POST /v1/check-ins', 'POST /v1/customers/{id}/passes']));
});
