import { beforeEach, describe, expect, test } from 'vitest';
import { retentionKinds } from '../../src/app-retention.ts';
import { addPass } from '../../src/checkins/passes.ts';
import { Ledger } from '../../src/checkins/ledger.ts';
import { inLedgerTransaction, writeChanges } from '../../src/checkins/ledger-transaction.ts';
import { forgetOld, rowsPerBatch, type RetentionKind } from '../../src/checkins/retention.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { verifyAudit } from '../../src/db/audit-chain.ts';
import type { Database } from '../../src/db/database.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { createToken, revokeToken } from '../../src/identity/tokens.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { actingAs } from '../../src/runtime/actor.ts';
import { FixedClock } from '../http/fixed-clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry } from '../support/registry.ts';

const day = 86_400_000;

describe.each(databaseKinds)('retention on %s', (kind) => {
  const databases = useDatabases(kind);
  let db: Database;
  let clock: FixedClock;
  let registry: Registry;
  beforeEach(async () => {
    clock = new FixedClock();
    db = await databases.open({ clock });
    registry = createRegistry(db, clock);
    await putCustomer(registry, 'mia', { name: 'Mia' });
  });

  const run = async (kinds: readonly RetentionKind[] = retentionKinds(registry, parseConfig({}))) => {
    const counts = new Map<string, number>();
    const onForgotten = (name: string, count: number) => void counts.set(name, (counts.get(name) ?? 0) + count);
    await forgetOld({ kinds, duty, clock, onForgotten }, new AbortController().signal);
    return Object.fromEntries([...counts].filter(([, count]) => count > 0));
  };
  const duty = { acquire: async () => true, release: async () => undefined };

  const visit = async (id: string, isOpen = false) => {
    const now = clock.now();
    const runs = [{ deviceId: 'dev_1', kind: 'start' as const, firstAt: now, lastAt: now, count: 1 }];
    const [departedAt, reason] = isOpen ? ([null, null] as const) : ([now, 'idle'] as const);
    const row = { id, customerId: 'mia', spaceId: 'hq', arrivedAt: now, lastActivityAt: now, revision: 1, runs };
    const changes = { visits: [{ ...row, departedAt, reason }], checkIns: [], events: [] };
    await inLedgerTransaction(db, (trx) => writeChanges(trx, db.kind, changes, now));
  };
  const checkInFor = async (ms: number) => {
    const rules = () => ({ id: 'hq', requirePass: true, methods: ['admin'] as const });
    const ledger = new Ledger({ db, clock, rules, onRecorded: () => undefined });
    const outcome = await ledger.checkIn({ customerId: 'mia', spaceId: 'hq' }, 'admin');
    if (outcome.result !== 'checkedIn' && outcome.result !== 'failed') throw new Error(outcome.result);
    clock.pass(ms);
    if (ms > 0) await ledger.checkOut(outcome.checkIn.id, {}, 'admin');
    return outcome.checkIn;
  };

  test('deletes each kind once it is as old as it may become, and nothing younger or open', async () => {
    await visit('old');
    await checkInFor(1_000);
    const { id } = await createToken(db, clock, { role: 'viewer', name: 'gone' });
    await revokeToken(db, clock, id);
    await createToken(db, clock, { role: 'viewer', name: 'stays' });
    clock.pass(2 * day);
    // Put there by hand, as for a day nothing happened that would have made one.
    const key = { token_id: 't', key: 'k', request_hash: '', status: null, body: null };
    for (const at of [clock.now() - day - 1, clock.now()]) {
      await db.write
        .insertInto('idempotency_keys')
        .values({ ...key, key: `k${at}`, created_at: at })
        .execute();
    }
    expect(await run()).toEqual({ changes: 4, idempotencyKeys: 1 });
    clock.pass(6 * day);
    expect(await run()).toMatchObject({ runs: 1 });
    clock.pass(380 * day);
    await visit('open', true);
    await checkInFor(0);
    await visit('young');
    clock.pass(10 * day);
    const before = await db.read.selectFrom('check_ins').selectAll().execute();
    expect(before).toHaveLength(2);
    expect(await run()).toEqual({ checkIns: 1, visits: 1, events: 1, tokens: 1, runs: 1 });
    expect(await run()).toEqual({});
    const visits = await db.read.selectFrom('visits').select('id').orderBy('id').execute();
    expect(visits.map((row) => row.id)).toEqual(['open', 'young']);
    expect(await db.read.selectFrom('check_ins').selectAll().execute()).toHaveLength(1);
    const tokens = await db.read.selectFrom('tokens').select('name').execute();
    expect(tokens).toEqual([{ name: 'stays' }]);
  });

  test('remembers what deleted check-ins had used of a pass', async () => {
    const pass = await addPass(db, clock, 'mia', { kind: 'unlimited' });
    for (const ms of [1_000, 2_000]) await checkInFor(ms);
    clock.pass(400 * day);
    await checkInFor(4_000);
    expect(await run()).toMatchObject({ checkIns: 2 });
    const row = await db.read.selectFrom('passes').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ id: pass?.id, past_uses: 2, past_ms: 3_000 });
  });

  test('goes on in small batches until nothing is left, and where another round had stopped', async () => {
    const now = clock.now();
    const rows = Array.from({ length: 2 * rowsPerBatch + 5 }, (_, at) => ({
      sequence: at + 1,
      id: `evt_${at}`,
      type: 'clock.stepped',
      at: now,
      customer_id: null,
      space_id: null,
      check_in_id: null,
      data: '{}',
    }));
    for (let from = 0; from < rows.length; from += 500) {
      await db.write
        .insertInto('events')
        .values(rows.slice(from, from + 500))
        .execute();
    }
    clock.pass(400 * day);
    const events = retentionKinds(registry, parseConfig({})).find(({ name }) => name === 'events');
    let batches = 0;
    const kinds: RetentionKind[] = [
      { name: 'broken', keepMs: 0, forget: async () => Promise.reject(new Error('the disk is full')) },
      {
        name: 'events',
        keepMs: 395 * day,
        forget: async (before, limit) => {
          batches += 1;
          return (await events?.forget(before, limit)) ?? 0;
        },
      },
    ];
    await expect(run(kinds)).rejects.toThrow('the disk is full');
    expect(batches).toBe(3);
    expect(await db.read.selectFrom('events').select('id').execute()).toEqual([]);
  });

  test('leaves an audit log that can still be verified, from an anchor that nobody else can set', async () => {
    const change = (name: string) =>
      actingAs({ id: 'tok_1', role: 'admin', action: 'customer.put' }, () => putCustomer(registry, 'mia', { name }));
    const verify = () => verifyAudit({ db: db.read, sign: db.audit.keys.sign });
    for (const name of ['a', 'b', 'c']) await change(name);
    clock.pass(731 * day);
    await change('d');
    expect(await run()).toMatchObject({ audit: 3 });
    expect(await verify()).toMatchObject({ lines: 1, last: { sequence: 4 } });
    clock.pass(731 * day);
    expect(await run()).toMatchObject({ audit: 1 });
    await change('e');
    expect(await verify()).toMatchObject({ lines: 1, last: { sequence: 5 } });
    expect(await verify()).not.toHaveProperty('broken');
  });

  test('is one node’s work at a time', async () => {
    await visit('old');
    clock.pass(400 * day);
    const busy = { acquire: async () => false, release: async () => undefined };
    const ports = {
      kinds: retentionKinds(registry, parseConfig({})),
      duty: busy,
      clock,
      onForgotten: () => undefined,
    };
    await forgetOld(ports, new AbortController().signal);
    expect(await db.read.selectFrom('visits').select('id').execute()).toEqual([{ id: 'old' }]);
  });
});
