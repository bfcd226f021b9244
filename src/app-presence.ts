import { randomInt } from 'node:crypto';
import { createResolver, type OwnedReports } from './app-devices.ts';
import { openWithdrawals } from './app-privacy.ts';
import { keepRestored } from './app-loops.ts';
import { PresenceRestore } from './checkins/restore-presence.ts';
import { DirectoryIndex } from './identity/directory-index.ts';
import { IndexFollower } from './identity/index-follower.ts';
import type { MacAddress } from './observation/mac-address.ts';
import { AddressBook } from './presence/address-book.ts';
import { PresenceEngine } from './presence/engine.ts';
import { Heartbeat } from './presence/heartbeat.ts';
import { NasWatch } from './presence/nas-watch.ts';
import { PresenceClock } from './presence/presence-clock.ts';
import { welcomeAll } from './presence/registration.ts';
import { RuleBook } from './presence/rules.ts';
import { PresenceStore } from './presence/store.ts';
import { PresenceTimers } from './presence/timers.ts';
import { UnregisteredStations } from './presence/unregistered.ts';
import { randomText } from './runtime/id.ts';
import { shards, type Base, type Stores } from './app-stores.ts';
import { createTextNumbers } from './presence/text-numbers.ts';

export type Presence = Awaited<ReturnType<typeof openPresence>>;

/** From observations to transitions: the directory in memory, the engine, the timers. */
export async function openPresence(base: Base, stores: Stores) {
  const { config, log, metrics, spaces, stack } = base;
  const { registry, masterKey, tokens, redis } = stores;
  const clock = new PresenceClock(base.clock);
  const deriveKey = (purpose: string): Buffer => masterKey.derive(purpose);
  const sessionNumber = createTextNumbers(deriveKey('session numbers'));
  const unregistered = new UnregisteredStations(redis, clock, log, { deriveKey, sessionNumber });
  const addresses = new AddressBook({ redis, clock, logger: log, deriveKey });
  const index = new DirectoryIndex(registry.vault);
  const rules = new RuleBook(spaces.list(), config.lateWindow, clock);
  const watch = new NasWatch(sessionNumber);
  const uniqueText = uniqueTexts();
  const { maxBacklog } = config;
  const shardStores = Array.from(
    { length: shards },
    (_, shard) => new PresenceStore({ redis, shard, uniqueText, maxBacklog, onLost: () => restoring.wake() }),
  );
  const restore = new PresenceRestore({
    db: stores.db,
    stores: shardStores,
    node: base.node,
    clock: base.clock,
    logger: log,
    space: (id) => spaces.get(id),
    lateWindow: config.lateWindow,
    onRebuilt: () => {
      metrics.redisRebuilds.inc();
      addresses.forgetWritten();
    },
  });
  await restore.ensure();
  const restoring = keepRestored(base, restore, redis);
  const [store] = shardStores as [PresenceStore];
  const heartbeat = stack.use(new Heartbeat({ store, watch, clock, logger: log }));
  const owned: OwnedReports = { hear: () => undefined };
  const engine = new PresenceEngine({
    stores: shardStores,
    rules,
    watch,
    clock,
    logger: log,
    space: (id) => spaces.get(id),
    resolve: createResolver(index, spaces),
    onOwned: (observation, owner) => owned.hear(observation, owner),
    unregistered,
    onLearned: () => heartbeat.beat(),
    lateWindow: config.lateWindow,
    sessionNumber,
    onIgnored: (reason) => metrics.observationsIgnored.inc({ reason }),
    onStored: (seconds) => metrics.recordDuration.observe(seconds),
  });
  const welcome = (stations: readonly MacAddress[]): void => {
    welcomeAll({ clock, engine, unregistered, spaces: () => spaces.list() }, stations).catch((error: unknown) =>
      log.warn({ err: error }, 'a device that was registered is checked in by its next report'),
    );
  };
  const settled = (): Promise<void> => engine.settled();
  const withdrawals = openWithdrawals(base, { registry, stores: shardStores, settled });
  stack.use(
    await IndexFollower.start({
      ...registry,
      index,
      seed: randomInt(2 ** 32),
      assumeOptIn: config.privacy.optIn === 'assumed',
      onRegistered: (registrations) => welcome(registrations.map(({ station }) => station)),
      onChanges: (changes) => {
        if (changes === 'all') {
          tokens.forget();
          return;
        }
        for (const { kind, key } of changes) {
          if (kind === 'token') tokens.forget(key);
          if (kind === 'customer' && !index.isTracked(key, clock.now())) withdrawals.note(key);
        }
      },
      onError: (err, failures) => {
        if (failures === 1) log.warn({ err }, 'changes to customers and devices cannot be followed; trying again');
      },
    }),
  );
  await withdrawals.start();
  const timers = stack.use(
    new PresenceTimers({
      stores: shardStores,
      logger: log,
      rules,
      onLag: (lagMs) => metrics.timerLag.set(lagMs / 1000),
    }),
  );
  return {
    engine,
    index,
    owned,
    withdrawals,
    settled,
    unregistered,
    addresses,
    timers,
    heartbeat,
    clock,
    stores: shardStores,
  };
}

/** Stems of visit ids: no two calls, nodes or runs give the same. */
function uniqueTexts(): () => string {
  const stem = randomText(10);
  let count = 0;
  return () => `${stem}${(count++).toString(36)}-`;
}
