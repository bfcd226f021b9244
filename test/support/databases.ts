import { afterAll, afterEach } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { systemClock, type Clock } from '../../src/runtime/clock.ts';
import { PostgresServer } from './postgres.ts';
import { TempDir } from './temp-dir.ts';

/** For `describe.each`: the ledger has to behave alike on both. */
export const databaseKinds = ['sqlite', 'postgres'] as const satisfies readonly Database['kind'][];

export type TestDatabases = {
  /** A fresh, migrated database, closed after the test. */
  open(options?: { readonly clock?: Clock }): Promise<Database>;
  /** A fresh, empty place for one. */
  createConfig(): Promise<{ readonly dataDir: string; readonly databaseUrl?: string }>;
  /** The one server of this file, taken when first asked for; a test that ends it lets it resume. */
  postgres(): Promise<PostgresServer>;
};

/** Call it where the tests are described: it cleans up after each test, and gives the server back after the last. */
export function useDatabases(kind: Database['kind']): TestDatabases {
  let server: Promise<PostgresServer> | undefined;
  let stack = new AsyncDisposableStack();

  const postgres = () => (server ??= PostgresServer.borrow());
  const createConfig = async () => {
    const dataDir = stack.use(new TempDir()).path;
    return kind === 'sqlite' ? { dataDir } : { dataDir, databaseUrl: await (await postgres()).createDatabase() };
  };

  afterEach(async () => {
    const used = stack;
    stack = new AsyncDisposableStack();
    await used.disposeAsync();
  });
  afterAll(async () => {
    await (await server)?.giveBack();
  });

  return {
    postgres,
    createConfig,
    open: async ({ clock = systemClock } = {}) =>
      stack.use(await openDatabase(await createConfig(), { migrate: true, clock, onError: ignore })),
  };
}

function ignore() {
  // A server that a test stops on purpose also closes idle connections.
}
