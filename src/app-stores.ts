import { openConnections } from './app-redis.ts';
import { masterKeyFile } from './config/paths.ts';
import { type Config } from './config/schema.ts';
import { openDatabase } from './db/database.ts';
import { lockDataDirectory } from './db/lock.ts';
import { AddressVault } from './identity/address-vault.ts';
import { createAuditKeys } from './identity/audit-keys.ts';
import { openMasterKey } from './identity/master-key.ts';
import { TokenCache } from './identity/token-cache.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import { type Metrics } from './runtime/metrics.ts';
import type { Spaces } from './spaces/spaces.ts';

/** What the service takes from the machine it runs on. */
export type AppEnvironment = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Holds the RADIUS secret when it was generated. */
  readonly radiusSecretFile?: string | undefined;
};

/** A Redis Cluster would spread several; one server is best used by one. */
export const shards = 1;

/** What every part of the service is given. What is opened goes onto the stack, and is closed in the reverse order. */
export type Base = AppEnvironment & {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly spaces: Spaces;
  readonly stack: AsyncDisposableStack;
  /** A name that no other process has or had. */
  readonly node: string;
};

export type Stores = Awaited<ReturnType<typeof openStores>>;

/** Where everything is kept: the data directory, SQL, the master key, Redis. */
export async function openStores({ config, clock, log, stack }: Base) {
  stack.use(lockDataDirectory(config.dataDir));
  const onError = (error: Error): void => log.warn({ err: error.message }, 'the database closed a connection');
  const place = { dataDir: config.dataDir, databaseUrl: config.databaseUrl?.reveal() };
  const db = stack.use(await openDatabase(place, { migrate: true, clock, onError }));
  const masterKey = await openMasterKey(db, masterKeyFile(config));
  const vault = new AddressVault(masterKey);
  db.audit.open(createAuditKeys(masterKey, vault), clock);
  const registry = { db, clock, vault, quota: config.devices.quota };
  const connections = await openConnections(config, log, stack);
  return { db, masterKey, registry, tokens: new TokenCache(db, clock), connections, redis: connections.redis };
}
