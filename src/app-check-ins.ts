import { countEvent } from './app-metrics.ts';
import { openErasures } from './app-privacy.ts';
import { keepRetention } from './app-retention.ts';
import type { EventDraft } from './checkins/event.ts';
import { Ledger } from './checkins/ledger.ts';
import { Recorder } from './checkins/recorder.ts';
import { SourceEvents } from './checkins/source-events.ts';
import { EventFeed } from './outputs/feed.ts';
import { forgetUnknown } from './presence/withdraw.ts';
import type { PresenceStore } from './presence/store.ts';
import type { Presence } from './app-presence.ts';
import { shards, type Base, type Stores } from './app-stores.ts';

export type CheckIns = Awaited<ReturnType<typeof openCheckIns>>;

/** From transitions to the ledger, and from the ledger to whoever listens. */
export async function openCheckIns(base: Base, { db, redis, registry, connections }: Stores, presence: Presence) {
  const { clock, log, metrics, node, spaces, stack } = base;
  const feed = stack.use(await EventFeed.open(db, { publisher: redis, subscriber: await connections.another() }, log));
  const onRecorded = (lastSequence: number, events: readonly EventDraft[]): void => {
    for (const event of events) countEvent(metrics, event);
    feed.onRecorded(lastSequence);
  };
  const rules = (id: string) => spaces.get(id);
  const recorders: Recorder[] = [];
  for (let shard = 0; shard < shards; shard += 1) {
    const recorder = new Recorder({
      db,
      redis,
      reader: await connections.another(),
      shard,
      node,
      clock,
      logger: log,
      rules,
      onRecorded,
      onDropped: (reason) => metrics.transitionsDropped.inc({ reason }),
      onPending: (pending) => metrics.transitionsPending.set(pending),
      onUnknown: (visits) => {
        forgetUnknown(presence.stores[shard] as PresenceStore, visits).catch((err: unknown) =>
          log.warn({ err }, 'presence of somebody whom the ledger does not know is forgotten within the day'),
        );
      },
    });
    recorders.push(stack.use(recorder));
  }
  keepRetention(base, registry, redis);
  const erasures = await openErasures(base, { registry, ...presence }, onRecorded);
  const sourceEvents = new SourceEvents(db, clock, onRecorded);
  const ledger = new Ledger({ db, clock, rules, onRecorded });
  return { feed, recorders, erasures, sourceEvents, onRecorded, ledger };
}
