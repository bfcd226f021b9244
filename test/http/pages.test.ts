import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/identity/tokens.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ withoutAdmin: true });
});
afterAll(() => world[Symbol.asyncDispose]());

const get = (path: string) => world.call('GET', path, { token: null });

test('the front leads to the first steps while there is no admin, and to what there is afterwards', async () => {
  const before = await get('/');
  expect([before.status, before.headers.get('location')]).toEqual([302, '/start']);
  await createToken(world.db, world.clock, { role: 'admin', name: 'the first' });
  const after = await get('/');
  expect(after.status).toBe(200);
  for (const link of ['/openapi.json', '/readyz', '/metrics']) expect(after.text).toContain(`href="${link}"`);
});

test('every page is served with a content security policy that its own files keep', async () => {
  for (const path of ['/', '/start']) {
    const { text, headers } = await get(path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(text).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/i);
    for (const [, file = ''] of text.matchAll(/(?:src|href)="(\/pages\/[^"]+)"/g)) {
      const answer = await get(file);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  }
});

test('the first steps can be read without eyes: one heading, named parts, labelled fields, spoken changes', async () => {
  const { text } = await get('/start');
  expect(text.match(/<h1/g)).toHaveLength(1);
  expect(text).toMatch(/<html lang="en">/);
  expect(text).toContain('role="status"');
  expect(text).toContain('role="alert"');
  for (const [, id = ''] of text.matchAll(/aria-labelledby="([^"]+)"/g)) expect(text).toContain(`id="${id}"`);
  for (const [, id = ''] of text.matchAll(/<input id="([^"]+)"/g)) expect(text).toContain(`for="${id}"`);
});

test('every element that the script looks for is on the page', async () => {
  const { text: page } = await get('/start');
  const { text: script } = await get('/pages/start.js');
  for (const [, id = ''] of script.matchAll(/byId\('([^']+)'\)/g)) expect(page).toContain(`id="${id}"`);
});

test('browsers are told to stay on HTTPS only where they arrive by it', async () => {
  expect((await get('/livez')).headers.get('strict-transport-security')).toBeNull();
  await using secure = await openWorld({ options: { publicUrl: 'https://rollcall.example.org' } });
  const { headers } = await secure.call('GET', '/livez');
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
});
