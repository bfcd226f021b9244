import { join } from 'node:path';
import { privacyPorts } from '../../src/app-privacy.ts';
import type { BoardPorts } from '../../src/checkins/board.ts';
import { Erasures } from '../../src/checkins/erasures.ts';
import type { EventDraft } from '../../src/checkins/event.ts';
import { Withdrawals } from '../../src/checkins/withdrawals.ts';
import type { PrivacyPorts } from '../../src/http/privacy-fields.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { IndexFollower } from '../../src/identity/index-follower.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { Tombstones } from '../../src/identity/tombstones.ts';
import type { PresenceStore } from '../../src/presence/store.ts';
import type { UnregisteredStations } from '../../src/presence/unregistered.ts';
import type { Logger } from '../../src/runtime/logger.ts';

export type PrivacyOptions = {
  readonly registry: Registry;
  readonly dataDir: string;
  readonly store: PresenceStore;
  readonly unregistered: UnregisteredStations;
  readonly logger: Logger;
  readonly spaceIds: readonly string[];
  readonly board: BoardPorts;
  readonly tokens: { forget(id?: string): void };
  readonly onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
};

/** What people decide about themselves, as in production, but for the engine: nobody reports anything to this server. */
export async function openPrivacy(
  { registry, dataDir, store, unregistered, logger, spaceIds, board, tokens, onRecorded }: PrivacyOptions,
  stack: AsyncDisposableStack,
): Promise<PrivacyPorts['privacy']> {
  const { db, clock } = registry;
  const index = new DirectoryIndex(registry.vault);
  const common = { stores: [store], logger, spaceIds: () => spaceIds, settled: async () => undefined };
  const withdrawals = stack.use(new Withdrawals({ ...common, db, clock, assumeOptIn: true }));
  stack.use(
    await IndexFollower.start({
      ...registry,
      index,
      seed: 1,
      assumeOptIn: true,
      onRegistered: () => undefined,
      onChanges: (changes) => {
        if (changes !== 'all') for (const { kind, key } of changes) if (kind === 'token') tokens.forget(key);
      },
      onError: (error) => logger.error(error),
    }),
  );
  const tombstones = Tombstones.open(join(dataDir, 'erased'));
  const erasures = stack.use(
    new Erasures({ ...common, registry, tombstones, unregistered, onRecorded, othersFollowMs: 0 }),
  );
  return privacyPorts({ clock, spaceIds: () => spaceIds }, { registry, index }, withdrawals, erasures, board);
}
