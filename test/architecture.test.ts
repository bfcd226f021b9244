import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * Who may import whom. A stage may always import itself; `type x` allows `import type` only. The rows read in the
 * order of the data: what a stage is not told about, it cannot depend on.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  // What counts as text is one rule, whatever brings it in.
  protocols: ['runtime'],
  observation: ['runtime'],
  config: ['observation', 'runtime'],
  db: ['runtime'],
  redis: ['runtime'],
  sources: ['observation', 'protocols', 'type config', 'runtime'],
  identity: ['observation', 'db', 'redis', 'runtime'],
  spaces: ['observation', 'db', 'redis', 'type config', 'runtime'],
  presence: ['observation', 'identity', 'type spaces', 'redis', 'runtime'],
  // The recorder reads the stream of transitions that presence appends to; an erasure knows an address when it meets one.
  checkins: ['observation', 'presence', 'identity', 'spaces', 'db', 'redis', 'runtime'],
  outputs: ['presence', 'type checkins', 'db', 'redis', 'runtime'],
  // Addresses in calls are read by the one parser there is.
  http: ['observation', 'identity', 'spaces', 'presence', 'checkins', 'outputs', 'type db', 'runtime'],
  demo: ['observation', 'protocols', 'runtime'],
  cli: ['config', 'db', 'identity', 'demo', 'app.ts', 'runtime'],
  'main.ts': ['cli', 'runtime'],
};

/** What may be written in few places only, each with the places and the reason. */
const confined = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/, to: /^(runtime\/|app\.ts$)/, why: 'time is an argument' },
  { pattern: /\bprocess\.env\b/, to: /^(config\/|cli\/|main\.ts$)/, why: 'the configuration is read in one place' },
  { pattern: /\bexport \* from\b/, to: /^$/, why: 'an import names the module that has the thing' },
];

/** Directories of test/ that mirror no stage. */
const otherTests = new Set([
  'bench',
  'browser',
  'conformance',
  'deploy',
  'fuzz',
  'model',
  'scenarios',
  'sim',
  'support',
]);

/** Names that say nothing about what is inside. */
const emptyNames = new Set(['index', 'utils', 'util', 'helpers', 'types', 'common', 'shared', 'core', 'services']);

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = files('src', '.ts').map((path) => ({
  path,
  text: withoutComments(readFileSync(join(root, 'src', path), 'utf8')),
}));
const tests = files('test', '.ts');

function files(directory: string, suffix = ''): readonly string[] {
  const entries = readdirSync(join(root, directory), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => relative(join(root, directory), join(entry.parentPath, entry.name)));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|(^|\s)\/\/.*$/gm, '');
}

/** The stage a file of src/ belongs to: its first directory, or itself; `app-*.ts` are parts of the composition root. */
function stageOf(path: string): string {
  return (path.split('/')[0] ?? path).replace(/^app-[a-z-]+\.ts$/, 'app.ts');
}

function importsOf({ path, text }: { readonly path: string; readonly text: string }) {
  const statements = text.matchAll(
    /\b(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'|\bimport\('(\.[^']+)'\)/g,
  );
  return [...statements].map(([, type, target, dynamic]) => ({
    onlyType: type !== undefined,
    target: normalize(join(dirname(path), target ?? dynamic ?? '')),
  }));
}

test('a stage imports only what its row allows', () => {
  const refused = sources.flatMap((source) => {
    const stage = stageOf(source.path);
    if (stage === 'app.ts') return [];
    const allowed = mayImport[stage];
    if (allowed === undefined) return [`${source.path} belongs to no row of the table`];
    return importsOf(source)
      .filter(({ target, onlyType }) => {
        const other = stageOf(target);
        return other !== stage && !allowed.includes(other) && !(onlyType && allowed.includes(`type ${other}`));
      })
      .map(({ target, onlyType }) => `${source.path} imports ${onlyType ? 'type ' : ''}${target}`);
  });
  expect(refused).toEqual([]);
});

test('time, chance and the environment come in where they may', () => {
  const refused = sources.flatMap(({ path, text }) =>
    confined.filter(({ pattern, to }) => pattern.test(text) && !to.test(path)).map(({ why }) => `${path}: ${why}`),
  );
  expect(refused).toEqual([]);
});

test('no file is longer than 350 lines', () => {
  const lengths = [...sources.map(({ path }) => `src/${path}`), ...tests.map((path) => `test/${path}`)].map((path) => ({
    path,
    lines: readFileSync(join(root, path), 'utf8').split('\n').length - 1,
  }));
  expect(lengths.filter(({ lines }) => lines > 350)).toEqual([]);
});

test('names are kebab-case and say what is inside', () => {
  const refused = [...files('src'), ...files('test')].filter((path) => {
    const names = path.split('/').filter((name) => name !== 'README.md');
    return names.some(
      (name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/.test(name) || emptyNames.has(name.replace(/\..*$/, '')),
    );
  });
  expect(refused).toEqual([]);
});

test('tests lie where the code they test lies', () => {
  const stray = tests.filter((path) => {
    const directory = dirname(path);
    return path.endsWith('.test.ts') && !otherTests.has(stageOf(path)) && !existsSync(join(root, 'src', directory));
  });
  expect(stray).toEqual([]);
});
