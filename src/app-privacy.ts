import { join } from 'node:path';
import type { BoardPorts } from './checkins/board.ts';
import { Erasures } from './checkins/erasures.ts';
import type { EventDraft } from './checkins/event.ts';
import { readPersonData } from './checkins/person-data.ts';
import { Withdrawals } from './checkins/withdrawals.ts';
import type { Config } from './config/schema.ts';
import type { PrivacyPorts } from './http/privacy-fields.ts';
import { auditOf } from './identity/audit-list.ts';
import type { DirectoryIndex } from './identity/directory-index.ts';
import type { Registry } from './identity/registry.ts';
import { Tombstones } from './identity/tombstones.ts';
import type { AddressBook } from './presence/address-book.ts';
import type { PresenceStore } from './presence/store.ts';
import type { UnregisteredStations } from './presence/unregistered.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import type { Spaces } from './spaces/spaces.ts';

type Base = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spaces: Spaces;
  readonly stack: AsyncDisposableStack;
};

/** What other nodes need to learn that somebody is gone, and some more; they look four times a second. */
const othersFollowMs = 1_000;

export type PrivacyParts = {
  readonly registry: Registry;
  readonly index: DirectoryIndex;
  readonly stores: readonly PresenceStore[];
  readonly unregistered: UnregisteredStations;
  readonly addresses: AddressBook;
  readonly settled: () => Promise<void>;
};

/** People who opt out, or pause, are out at once. */
export function openWithdrawals(
  { config, clock, log, spaces, stack }: Base,
  { registry, stores, settled }: Pick<PrivacyParts, 'registry' | 'stores' | 'settled'>,
): Withdrawals {
  return stack.use(
    new Withdrawals({
      db: registry.db,
      stores,
      clock,
      logger: log,
      spaceIds: () => spaces.list().map(({ id }) => id),
      settled,
      assumeOptIn: config.privacy.optIn === 'assumed',
    }),
  );
}

/** Erasures; those that were begun are finished, and those that a restored ledger has undone are done again, before anybody is served. */
export async function openErasures(
  { config, log, spaces, stack }: Base,
  { registry, stores, unregistered, addresses, settled }: Omit<PrivacyParts, 'index'>,
  onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void,
): Promise<Erasures> {
  const erasures = stack.use(
    new Erasures({
      registry,
      tombstones: Tombstones.open(join(config.dataDir, 'erased')),
      stores,
      unregistered: {
        async forgetStation(spaceId, station) {
          await unregistered.forgetStation(spaceId, station);
          await addresses.forgetStation(station);
        },
      },
      logger: log,
      spaceIds: () => spaces.list().map(({ id }) => id),
      settled,
      onRecorded,
      othersFollowMs: config.databaseUrl === undefined ? 0 : othersFollowMs,
    }),
  );
  await erasures.start();
  return erasures;
}

export function privacyPorts(
  { clock, spaceIds }: { readonly clock: Clock; readonly spaceIds: () => readonly string[] },
  { registry, index }: Pick<PrivacyParts, 'registry' | 'index'>,
  withdrawals: Withdrawals,
  erasures: Erasures,
  board: BoardPorts,
): PrivacyPorts['privacy'] {
  const readPresence = async (spaceId: string, customerId: string) =>
    (await board.readPresence(spaceId, [customerId]))[0];
  return {
    isTracked: (customerId) => index.isTracked(customerId, clock.now()),
    withdraw: (customerId) => withdrawals.withdraw(customerId),
    erase: (customerId) => erasures.erase(customerId),
    exportPerson: (customerId) =>
      readPersonData({ registry, spaceIds, readPresence, audit: (id) => auditOf(registry, id) }, customerId),
    presentIn: async (customerId) => {
      const open = await registry.db.read
        .selectFrom('check_ins')
        .select('space_id')
        .where('customer_id', '=', customerId)
        .where('state', '=', 'open')
        .orderBy('started_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return open?.space_id;
    },
  };
}
