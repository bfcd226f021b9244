import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Erasures } from '../../src/checkins/erasures.ts';
import { applyTombstones } from '../../src/checkins/apply-tombstones.ts';
import { beginErasure } from '../../src/checkins/erase-ledger.ts';
import type { EventDraft } from '../../src/checkins/event.ts';
import { Ledger } from '../../src/checkins/ledger.ts';
import { addPass } from '../../src/checkins/passes.ts';
import { loadDraft } from '../../src/checkins/draft.ts';
import { record } from '../../src/checkins/record.ts';
import { inLedgerTransaction, writeChanges } from '../../src/checkins/ledger-transaction.ts';
import type { Database } from '../../src/db/database.ts';
import { getCustomer, listCustomers, putCustomer } from '../../src/identity/customers.ts';
import { putDevice } from '../../src/identity/devices.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { createToken } from '../../src/identity/tokens.ts';
import { Tombstones } from '../../src/identity/tombstones.ts';
import { PresenceStore } from '../../src/presence/store.ts';
import type { VisitTransition } from '../../src/presence/transition.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { FixedClock } from '../http/fixed-clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';
import { TempDir } from '../support/temp-dir.ts';
import { useRedis } from '../support/use-redis.ts';

const rules = { id: 'hq', requirePass: true, methods: ['wifi', 'admin'] } as const;
const redis = useRedis();

describe.each(databaseKinds)('an erasure on %s', (kind) => {
  const databases = useDatabases(kind);
  let stack: AsyncDisposableStack;
  let db: Database;
  let registry: Registry;
  let clock: FixedClock;
  let ledger: Ledger;
  let file: string;
  let told: EventDraft[];
  let erasures: Erasures;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    await redis.client.flushall();
    clock = new FixedClock();
    db = await databases.open({ clock });
    registry = createRegistry(db, clock);
    file = stack.use(new TempDir()).file('erased');
    told = [];
    ledger = new Ledger({ db, clock, rules: () => rules, onRecorded: () => undefined });
    erasures = createErasures();
  });
  afterEach(() => stack.disposeAsync());

  function createErasures(): Erasures {
    const store = new PresenceStore({
      redis: redis.client,
      shard: 0,
      uniqueText: () => 'v',
      maxBacklog: 100,
      onLost: () => undefined,
    });
    store.epoch = 'this one';
    void redis.client.hset(store.keys.clock, 'epoch', store.epoch, 'beat', Date.now());
    return stack.use(
      new Erasures({
        registry,
        tombstones: Tombstones.open(file),
        stores: [store],
        unregistered: { forgetStation: async () => undefined },
        logger: createLogger({ level: 'silent' }),
        spaceIds: () => ['hq'],
        settled: async () => undefined,
        onRecorded: (_sequence, events) => void told.push(...events),
        othersFollowMs: 0,
      }),
    );
  }

  async function addMia(id = 'mia'): Promise<void> {
    await putCustomer(registry, id, {
      name: 'Mia Example',
      email: 'mia@example.org',
      identities: ['mia@example.org', 'm.example'],
    });
    await putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: id, name: "Mia's phone" });
    await addPass(db, clock, id, { kind: 'unlimited' });
    await createToken(db, clock, { role: 'member', name: "Mia's token", customerId: id });
  }

  const visit = (revision: number, state: 'open' | 'closed', customerId = 'mia'): VisitTransition => ({
    id: `1-${revision}`,
    type: 'visit',
    visitId: 'v1',
    revision,
    state,
    customerId,
    spaceId: 'hq',
    arrivedAt: clock.now(),
    lastActivityAt: clock.now(),
    detectedAt: clock.now(),
    reason: state === 'closed' ? 'idle' : null,
    intoVisitId: null,
    deviceIds: ['dev_1'],
    runs: [{ deviceId: 'dev_1', kind: 'start', firstAt: 1, lastAt: 1, count: 1 }],
  });

  async function take(transition: VisitTransition): Promise<string> {
    return await inLedgerTransaction(db, async (trx) => {
      const draft = await loadDraft(trx, kind, [transition.customerId], [transition.visitId]);
      const result = record(draft, transition, rules);
      const changes = { visits: draft.changedVisits.values(), checkIns: draft.changedCheckIns.values() };
      await writeChanges(trx, kind, { ...changes, events: draft.events }, clock.now());
      return result;
    });
  }

  const rowsOf = async (table: 'identities' | 'devices' | 'device_addresses' | 'passes' | 'tokens') =>
    (await db.read.selectFrom(table).selectAll().execute()).length;

  async function everything(): Promise<string> {
    const tables = ['customers', 'identities', 'devices', 'device_addresses', 'passes', 'tokens', 'visits'] as const;
    const more = ['check_ins', 'events', 'changes', 'idempotency_keys', 'settings', 'erasures'] as const;
    const rows = [];
    for (const table of [...tables, ...more]) rows.push(await db.read.selectFrom(table).selectAll().execute());
    return JSON.stringify(rows);
  }

  test('leaves counts that are nobody’s, and a feed without gaps in which nobody is named', async () => {
    await addMia();
    await take(visit(1, 'open'));
    clock.pass(60_000);
    await putCustomer(registry, 'noor', { name: 'Noor', email: 'mia.too@example.org' });
    await ledger.checkIn({ customerId: 'noor', spaceId: 'hq' }, 'admin');
    expect(await erasures.erase('mia')).toBe(true);

    expect(await getCustomer(db, 'mia')).toBeUndefined();
    expect((await listCustomers(db, { limit: 10 })).map(({ id }) => id)).toEqual(['noor']);
    for (const table of ['identities', 'devices', 'device_addresses', 'passes', 'tokens'] as const) {
      expect([table, await rowsOf(table)]).toEqual([table, 0]);
    }
    const [checkIn] = await ledger.list({ customerId: '_erased' }, { limit: 10 });
    expect(checkIn).toMatchObject({ state: 'closed', checkOutReason: 'erased', passId: null, deviceIds: [] });
    expect(checkIn?.endedAt).toBe(clock.now() - 60_000);
    const [row] = await db.read.selectFrom('visits').selectAll().execute();
    expect(row).toMatchObject({ customer_id: '_erased', reason: 'erased', runs: '[]', space_id: 'hq' });

    const events = await db.read.selectFrom('events').selectAll().orderBy('sequence').execute();
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1));
    expect(events.map(({ type }) => type)).toEqual([
      'presence.arrived',
      'checkin.recorded',
      'checkin.failed',
      'presence.departed',
      'checkout.recorded',
      'customer.erased',
    ]);
    expect(told.map(({ type }) => type)).toContain('customer.erased');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toEqual({ customerId: 'mia', idSalt: null, idSha256: null });
    const left = (await everything()).replace('{\\"customerId\\":\\"mia\\"', '');
    expect(left).toContain('mia.too@example.org');
    for (const trace of ['Mia Example', '"mia@example.org', "Mia's", 'm.example', '"mia"']) {
      expect(left).not.toContain(trace);
    }
  });

  test('of an id that is an e-mail address leaves no id, and tells it to those who know it', async () => {
    await addMia('mia@example.org');
    expect(await erasures.erase('mia@example.org')).toBe(true);
    expect(await everything()).not.toContain('mia@example.org');
    const row = await db.read.selectFrom('events').select('data').executeTakeFirstOrThrow();
    const { customerId, idSalt, idSha256 } = JSON.parse(row.data) as Record<string, string>;
    expect(customerId).toBeNull();
    const { createHash } = await import('node:crypto');
    expect(idSha256).toBe(createHash('sha256').update(`${idSalt}mia@example.org`).digest('hex'));
  });

  test('of nobody is none, and of somebody twice is one', async () => {
    expect(await erasures.erase('nobody')).toBe(false);
    expect(await erasures.erase('_erased')).toBe(false);
    await addMia();
    expect(await Promise.all([erasures.erase('mia'), erasures.erase('mia')])).toEqual([true, true]);
    expect(await erasures.erase('mia')).toBe(false);
    expect(await erasures.erase('_erased')).toBe(false);
    expect(told.filter(({ type }) => type === 'customer.erased')).toHaveLength(1);
  });

  test('that was begun is finished by the next start, and lets nobody in under the id before', async () => {
    await addMia();
    await take(visit(1, 'open'));
    await beginErasure(registry, 'mia');
    await expect(putCustomer(registry, 'mia', { name: 'Mia' })).rejects.toMatchObject({ name: 'ErasureAtWork' });
    await createErasures().start();
    expect(await getCustomer(db, 'mia')).toBeUndefined();
    expect(Tombstones.open(file).all.size).toBe(1);
    expect(await db.read.selectFrom('erasures').select(['customer_id', 'done_at']).execute()).toEqual([
      { customer_id: null, done_at: clock.now() },
    ]);
    await putCustomer(registry, 'mia', { name: 'Another Mia' });
  });

  test('is done again when an old copy of the ledger brings the person back, and never to who came later', async () => {
    await addMia();
    await erasures.erase('mia');
    expect(await applyTombstones(registry, Tombstones.open(file))).toBe(0);
    // The clock is set back: she comes after the erasure all the same.
    clock.pass(-3_600_000);
    await putCustomer(registry, 'mia', { name: 'Another Mia' });
    await db.write.deleteFrom('erasures').execute();
    expect(await applyTombstones(registry, Tombstones.open(file))).toBe(0);
    expect(await getCustomer(db, 'mia')).toMatchObject({ name: 'Another Mia' });

    await db.write.deleteFrom('erasures').execute();
    await db.write.updateTable('customers').set({ created_at: 1 }).where('id', '=', 'mia').execute();
    await createErasures().start();
    expect(await getCustomer(db, 'mia')).toBeUndefined();
  });

  test('is not undone by what comes late: a report, or a visit that goes on', async () => {
    await addMia();
    await take(visit(1, 'open'));
    await erasures.erase('mia');
    expect(await take(visit(5, 'open'))).toBe('unknownCustomer');
    clock.pass(1_000);
    await addMia();
    expect(await take(visit(6, 'open'))).toBe('unknownCustomer');
    expect(await ledger.list({ customerId: 'mia' }, { limit: 10 })).toEqual([]);
    expect(await ledger.list({ state: 'open' }, { limit: 10 })).toEqual([]);
  });

  test('takes out of conflicts the one who is erased, and leaves the other', async () => {
    await addMia();
    await putCustomer(registry, 'noor', { name: 'Noor' });
    const common = { spaceId: 'hq', deviceId: 'dev_1', accessPoints: ['ap'] };
    const conflict = { ...common, kind: 'twoCustomers', claimedBy: null } as const;
    const claim = {
      ...common,
      kind: 'claim',
      customerId: 'noor',
      registeredTo: 'noor',
      authenticatedAs: null,
    } as const;
    const events: EventDraft[] = [
      { ...conflict, customerId: 'noor', registeredTo: 'mia', authenticatedAs: 'noor' },
      { ...conflict, customerId: 'mia', registeredTo: 'noor', authenticatedAs: 'mia' },
      { ...conflict, customerId: 'noor', registeredTo: 'noor', authenticatedAs: 'mia' },
      { ...claim, claimedBy: 'mia' },
    ].map((data) => ({ type: 'device.conflict', at: 1, data }));
    await inLedgerTransaction(db, (trx) => writeChanges(trx, kind, { visits: [], checkIns: [], events }, 1));
    await erasures.erase('mia');
    const rows = await db.read.selectFrom('events').select(['customer_id', 'data']).orderBy('sequence').execute();
    const gone = '_erased';
    expect(rows.slice(0, 4).map((row) => [row.customer_id, JSON.parse(row.data) as unknown])).toEqual([
      ['noor', { ...conflict, customerId: 'noor', registeredTo: gone, authenticatedAs: 'noor', deviceId: 'erased' }],
      [gone, { ...conflict, customerId: gone, registeredTo: 'noor', authenticatedAs: gone }],
      ['noor', { ...conflict, customerId: 'noor', registeredTo: 'noor', authenticatedAs: gone }],
      ['noor', { ...claim, claimedBy: gone }],
    ]);
  });
});

test('the file of erasures is its owner’s alone, and a line that was cut off harms no other', async () => {
  await using dir = new TempDir();
  const file = dir.file('erased');
  const hash = (letter: string): string => letter.repeat(43);
  Tombstones.open(file).add([[hash('a'), 1]]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { appendFileSync } = await import('node:fs');
  appendFileSync(file, `${hash('b')} 1`.slice(0, 20));
  const again = Tombstones.open(file);
  again.add([
    [hash('c'), 2],
    [hash('a'), 1],
  ]);
  expect([...Tombstones.open(file).all]).toEqual([
    [hash('a'), 1],
    [hash('c'), 2],
  ]);
});
