import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventDraft } from '../../src/checkins/event.ts';
import { Ledger } from '../../src/checkins/ledger.ts';
import { addPass, listPasses, revokePass } from '../../src/checkins/passes.ts';
import { Recorder } from '../../src/checkins/recorder.ts';
import type { Recorded, SpaceRules } from '../../src/checkins/record.ts';
import type { Database } from '../../src/db/database.ts';
import { shardKeys } from '../../src/presence/keys.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { useRedis } from '../support/use-redis.ts';
import { until } from '../support/until.ts';

const rules: SpaceRules = { id: 'hq', requirePass: true, methods: ['wifi', 'admin'] };
const stream = shardKeys(0).transitions;
const start = 1_795_000_000_000;
const redis = useRedis();

describe.each(databaseKinds)('the ledger on %s', (kind) => {
  const databases = useDatabases(kind);
  let db: Database;
  let ledger: Ledger;
  let stack: AsyncDisposableStack;
  let recorded: EventDraft[];
  let dropped: (Recorded | 'refused')[];

  beforeEach(async () => {
    await redis.client.flushall();
    stack = new AsyncDisposableStack();
    recorded = [];
    dropped = [];
    db = await databases.open();
    const onRecorded = (_sequence: number, events: readonly EventDraft[]) => void recorded.push(...events);
    ledger = new Ledger({ db, clock: systemClock, rules: (id) => (id === 'hq' ? rules : undefined), onRecorded });
  });
  afterEach(() => stack.disposeAsync());

  async function customer(id: string, withPass = true): Promise<void> {
    await db.write
      .insertInto('customers')
      .values({
        id,
        name: id,
        email: null,
        plan_id: null,
        active: 1,
        opted_in: null,
        share_name: 0,
        data_key: '',
        created_at: 1,
        updated_at: 1,
      })
      .execute();
    if (withPass) await addPass(db, systemClock, id, { kind: 'unlimited' });
  }

  function record(node = 'node-a'): Recorder {
    return stack.use(
      new Recorder({
        db,
        redis: redis.client,
        reader: redis.client.duplicate(),
        shard: 0,
        node,
        clock: systemClock,
        logger: createLogger({ level: 'silent' }),
        rules: (id) => (id === 'hq' ? rules : undefined),
        onRecorded: (_sequence, events) => void recorded.push(...events),
        onDropped: (result) => void dropped.push(result),
        onPending: () => undefined,
      }),
    );
  }

  async function append(state: 'open' | 'closed', visit: string, who = 'mia', last = start): Promise<void> {
    const revision = state === 'open' ? 1 : 2;
    const fields = [
      'type',
      'visit',
      'visit',
      visit,
      'revision',
      revision,
      'state',
      state,
      'space',
      'hq',
      'customer',
      who,
    ];
    const times = ['arrivedAt', start, 'lastActivityAt', last, 'detectedAt', last + 10];
    await redis.client.xadd(
      stream,
      '*',
      ...fields,
      ...times,
      'devices',
      'dev_phone',
      'runs',
      '[["dev_phone",0,1,2,3]]',
    );
  }
  const drained = () => until('the stream is empty', async () => (await redis.client.xlen(stream)) === 0);
  const sequences = async () =>
    (await db.read.selectFrom('events').select('sequence').orderBy('sequence').execute()).map((row) => row.sequence);

  test('records a visit from its stream, and empties the stream', async () => {
    await customer('mia');
    record();
    await append('open', 'v1');
    await append('closed', 'v1', 'mia', start + 60_000);
    await drained();
    expect(await ledger.list({ customerId: 'mia' }, { limit: 10 })).toMatchObject([
      { state: 'closed', startedAt: start, endedAt: start + 60_000, checkOutReason: 'idle', deviceIds: ['dev_phone'] },
    ]);
    expect(recorded.map((event) => event.type)).toEqual([
      'presence.arrived',
      'checkin.recorded',
      'presence.departed',
      'checkout.recorded',
    ]);
    expect(await sequences()).toEqual([1, 2, 3, 4]);
  });

  test('records entries that come again once, and in the order in which they came first', async () => {
    await customer('mia');
    for (const round of [1, 2, 3]) {
      await append('open', 'v1');
      await append('closed', 'v1', 'mia', start + 60_000);
      if (round === 3) await append('open', 'v2');
    }
    record();
    await drained();
    expect(await sequences()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(dropped).toEqual(['repeated', 'repeated', 'repeated', 'repeated']);
  });

  test('two recorders that read the same stream have one effect', async () => {
    for (let i = 0; i < 40; i += 1) await customer(`c${i}`);
    record('node-a');
    record('node-b');
    for (let i = 0; i < 40; i += 1) await append('open', `v${i}`, `c${i}`);
    await drained();
    expect(await sequences()).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
    expect(await ledger.list({ state: 'open' }, { limit: 100 })).toHaveLength(40);
  });

  test('drops, with a reason, what it cannot understand or whose customer is gone, and goes on', async () => {
    await customer('mia');
    await redis.client.xadd(stream, '*', 'type', 'danced');
    await append('open', 'v0', 'nobody');
    await append('open', 'v1');
    record();
    await drained();
    expect(dropped).toEqual(['unknownCustomer']);
    expect(await ledger.list({}, { limit: 10 })).toMatchObject([{ customerId: 'mia', state: 'open' }]);
  });

  test('sets aside the one transition that the database refuses for good, and records the others', async () => {
    for (let i = 0; i < 5; i += 1) await customer(`c${i}`);
    for (let i = 0; i < 5; i += 1) await append('open', `v${i}`, `c${i}`);
    // A check that no arrival of c3 can pass, as a defect of ours would be.
    if (kind === 'postgres') {
      await sql`alter table visits add constraint no_c3 check (customer_id <> 'c3')`.execute(db.write);
    } else {
      await sql`create trigger no_c3 before insert on visits when new.customer_id = 'c3' begin select raise(abort, 'no c3'); end`.execute(
        db.write,
      );
    }
    record();
    await drained();
    expect(dropped).toEqual(['refused']);
    expect(
      (await ledger.list({ state: 'open' }, { limit: 10 })).map(({ customerId }) => customerId).toSorted(),
    ).toEqual(['c0', 'c1', 'c2', 'c4']);
    expect(await redis.client.lrange(shardKeys(0).refused, 0, -1)).toEqual([
      expect.stringContaining('"customerId":"c3"'),
    ]);
  });

  test('a check-in by hand needs a pass as any other, and is refused with the open one when there is one', async () => {
    await customer('ben', false);
    const refused = await ledger.checkIn({ customerId: 'ben', spaceId: 'hq' }, 'admin');
    expect(refused).toMatchObject({ result: 'failed', checkIn: { state: 'failed', failureReason: 'noPass' } });
    await addPass(db, systemClock, 'ben', { kind: 'unlimited' });
    const first = await ledger.checkIn({ customerId: 'ben', spaceId: 'hq' }, 'admin');
    expect(first).toMatchObject({ result: 'checkedIn', checkIn: { state: 'open', method: 'admin', visitId: null } });
    expect(await ledger.checkIn({ customerId: 'ben', spaceId: 'hq' }, 'admin')).toMatchObject({ result: 'alreadyIn' });
    expect(await ledger.checkIn({ customerId: 'ben', spaceId: 'annex' }, 'admin')).toEqual({ result: 'unknownSpace' });
    expect(await ledger.checkIn({ customerId: 'who', spaceId: 'hq' }, 'admin')).toEqual({ result: 'unknownCustomer' });
  });

  test('of many check-ins by hand at once, one succeeds', async () => {
    await customer('mia');
    const results = await Promise.all(
      Array.from({ length: 12 }, () => ledger.checkIn({ customerId: 'mia', spaceId: 'hq' }, 'admin')),
    );
    expect(results.filter(({ result }) => result === 'checkedIn')).toHaveLength(1);
    expect(results.filter(({ result }) => result === 'alreadyIn')).toHaveLength(11);
    expect(await sequences()).toEqual([1]);
  });

  test('an explicit check-out is respected while the network still sees the device', async () => {
    await customer('mia');
    record();
    await append('open', 'v1');
    await drained();
    const [open] = await ledger.list({ state: 'open' }, { limit: 1 });
    if (open === undefined) throw new Error('expected an open check-in');
    expect(await ledger.checkOut(open.id, {}, 'admin')).toMatchObject({
      result: 'checkedOut',
      checkIn: { state: 'closed', checkOutReason: 'manual', checkOutMethod: 'admin' },
    });
    expect(await ledger.checkOut(open.id, {}, 'admin')).toMatchObject({ result: 'notOpen' });
    await append('closed', 'v1', 'mia', start + 60_000);
    await drained();
    expect(recorded.map((event) => event.type).slice(2)).toEqual(['checkout.recorded', 'presence.departed']);
  });

  test('a check-in may not begin before the end of an earlier one, nor end before it began', async () => {
    await customer('mia');
    const first = await ledger.checkIn({ customerId: 'mia', spaceId: 'hq', at: start }, 'admin');
    if (first.result !== 'checkedIn') throw new Error('expected a check-in');
    expect(await ledger.checkOut(first.checkIn.id, { at: start - 1 }, 'admin')).toMatchObject({
      result: 'beforeStart',
    });
    await ledger.checkOut(first.checkIn.id, { at: start + 1_000 }, 'admin');
    expect(await ledger.checkIn({ customerId: 'mia', spaceId: 'hq', at: start + 500 }, 'admin')).toMatchObject({
      result: 'overlaps',
    });
  });

  test('a void check-in stays in the ledger, and the event says why', async () => {
    await customer('mia');
    const made = await ledger.checkIn({ customerId: 'mia', spaceId: 'hq' }, 'admin');
    if (made.result !== 'checkedIn') throw new Error('expected a check-in');
    expect(await ledger.void(made.checkIn.id, 'wrong person')).toMatchObject({ result: 'voided' });
    expect(await ledger.void(made.checkIn.id, 'again')).toMatchObject({ result: 'alreadyVoid' });
    expect(recorded.at(-1)).toMatchObject({ type: 'checkin.voided', data: { voidReason: 'wrong person' } });
    expect(await ledger.get(made.checkIn.id)).toMatchObject({ state: 'void' });
  });

  test('lists page by page, newest first, without a gap or a repeat', async () => {
    for (let i = 0; i < 7; i += 1) {
      await customer(`c${i}`);
      await ledger.checkIn({ customerId: `c${i}`, spaceId: 'hq', at: start + (i >> 1) }, 'admin');
    }
    const seen: string[] = [];
    let after: { startedAt: number; id: string } | undefined;
    do {
      const page = await ledger.list({ spaceId: 'hq' }, { limit: 3, after });
      seen.push(...page.map((checkIn) => checkIn.customerId));
      after = page.at(-1);
    } while (after !== undefined);
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
    expect(seen[0]).toBe('c6');
  });

  test('a revoked pass is not listed and lets nobody in', async () => {
    await customer('mia');
    const [pass] = await listPasses(db, 'mia', { limit: 10 });
    if (pass === undefined) throw new Error('expected a pass');
    expect(await revokePass(db, systemClock, pass.id)).toBe(true);
    expect(await revokePass(db, systemClock, pass.id)).toBe(false);
    expect(await listPasses(db, 'mia', { limit: 10 })).toEqual([]);
    expect(await ledger.checkIn({ customerId: 'mia', spaceId: 'hq' }, 'admin')).toMatchObject({ result: 'failed' });
    expect(await addPass(db, systemClock, 'nobody', { kind: 'unlimited' })).toBeUndefined();
  });
});
