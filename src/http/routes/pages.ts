import { readFileSync } from 'node:fs';
import { everyone } from '../access.ts';
import type { Routes } from '../route.ts';

/** The pages that need no build: the first minutes, and what stands at the front until there is more. */
const files = {
  '/start': ['start.html', 'text/html; charset=utf-8'],
  '/pages/start.js': ['start.js', 'text/javascript; charset=utf-8'],
  '/pages/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/pages/mark.svg': ['mark.svg', 'image/svg+xml'],
} as const;

export function addPages(app: Routes, setupIsOpen: () => Promise<boolean>): void {
  const options = { schema: { hide: true }, config: { access: everyone } };
  for (const [url, [file, type]] of Object.entries(files)) {
    const content = readPage(file);
    app.get(url, options, async (_request, reply) => reply.type(type).send(content));
  }
  const home = readPage('home.html');
  app.get('/', options, async (_request, reply) =>
    (await setupIsOpen()) ? reply.redirect('/start', 302) : reply.type('text/html; charset=utf-8').send(home),
  );
}

function readPage(file: string): Buffer {
  return readFileSync(new URL(`../pages/${file}`, import.meta.url));
}
