import type { SourceEvents } from './checkins/source-events.ts';
import type { PresenceRestore } from './checkins/restore-presence.ts';
import { shardKeys } from './presence/keys.ts';
import type { Redis } from './redis/connect.ts';
import { onOtherPrimary } from './redis/primary.ts';
import type { Logger } from './runtime/logger.ts';
import { Loop } from './runtime/loop.ts';
import type { Source } from './sources/source.ts';

/** What goes on in the background as long as the service runs. Each loop ends with the stack. */
type Base = { readonly log: Logger; readonly stack: AsyncDisposableStack };

const noteSeeingEveryMs = 20_000;

/** Puts presence back whenever Redis turns out to have lost it, and remembers in the ledger until when we saw. */
export function keepRestored({ log, stack }: Base, restore: PresenceRestore, redis: Redis): Loop {
  const loop = stack.use(
    new Loop({
      run: async () => {
        await restore.ensure();
        await restore.noteSeeing();
      },
      everyMs: noteSeeingEveryMs,
      backoff: { firstMs: 200, mostMs: 2_000 },
      onError: (err, failures) => {
        if (failures === 5) log.warn({ err }, 'whether Redis holds the presence of this ledger cannot be found out');
      },
    }),
  );
  stack.defer(onOtherPrimary(redis, shardKeys(0).clock, () => loop.wake()));
  return loop;
}

/** Tells of sources that go down, and are up again. */
export function watchSources({ log, stack }: Base, events: SourceEvents, sources: readonly Source[]): void {
  stack.use(
    new Loop({
      run: () => events.look(sources.map((source) => ({ id: source.id, spaceId: source.spaceId, ...source.status() }))),
      everyMs: 1_000,
      backoff: { firstMs: 1_000, mostMs: 10_000 },
      onError: (err, failures) => {
        if (failures === 1)
          log.warn({ err }, 'that a source went down or is up again cannot be recorded; trying again');
      },
    }),
  );
}
