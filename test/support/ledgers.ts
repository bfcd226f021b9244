import { PostgresServer } from './postgres.ts';

/** A place for a ledger as the real command is told of it, for stories that must end alike on both engines. */
export interface LedgerPlace extends AsyncDisposable {
  readonly config: { readonly databaseUrl?: string };
}

export const ledgers: readonly { readonly name: string; readonly open: () => Promise<LedgerPlace> }[] = [
  { name: 'SQLite', open: async () => ({ config: {}, [Symbol.asyncDispose]: async () => undefined }) },
  {
    name: 'PostgreSQL',
    async open() {
      const server = await PostgresServer.borrow();
      const databaseUrl = await server.createDatabase();
      return { config: { databaseUrl }, [Symbol.asyncDispose]: () => server.giveBack() };
    },
  },
];
