import { describe, expect, test } from 'vitest';
import type { EventDraft } from '../../src/checkins/event.ts';
import { SourceEvents } from '../../src/checkins/source-events.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';

describe.each(databaseKinds)('source events on %s', (kind) => {
  const databases = useDatabases(kind);

  test('a source that goes down is told once, and once when it is up again', async () => {
    const told: EventDraft[] = [];
    const events = new SourceEvents(await databases.open(), systemClock, (_, drafts) => void told.push(...drafts));
    const source = { id: 'aps', spaceId: 'hq', since: 5 } as const;
    await events.look([{ ...source, state: 'starting' }]);
    await events.look([{ ...source, state: 'up' }]);
    await events.look([{ ...source, state: 'down', since: 7, problem: 'the socket failed' }]);
    await events.look([{ ...source, state: 'down', since: 7, problem: 'the socket failed' }]);
    await events.look([{ ...source, state: 'up', since: 9 }]);
    expect(told).toMatchObject([
      { type: 'source.down', data: { sourceId: 'aps', nas: null, since: 7, problem: 'the socket failed' } },
      { type: 'source.up', data: { sourceId: 'aps', since: 7, problem: null } },
    ]);
  });
});
