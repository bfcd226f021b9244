import { Redis } from 'ioredis';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import { ledgers } from '../support/ledgers.ts';
import { Nas } from '../support/nas.ts';
import { Service } from '../support/service.ts';
import { TempDir } from '../support/temp-dir.ts';
import { addressTraces, textTraces, tracesIn, tracesInFiles, tracesInRedis, type Traces } from '../support/traces.ts';
import { until } from '../support/until.ts';

const id = 'c-4711';
const phone = '00-00-5E-00-53-A1';
const random = '02-00-5E-10-20-A2';
const userName = 'Mia.Wanderer@Example.org';
const person: Traces = new Map([
  ...textTraces('Mia Wanderer', 'mia.w@example.net', userName, "Mia's phone"),
  ...addressTraces(phone),
  ...addressTraces(random),
]);

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

type Tables = Readonly<Record<string, readonly object[]>>;

/** The ledger from beside the service: everything in it, and as it was before. */
type Beside = {
  readonly dump: () => Promise<Tables>;
  /** Keeps a copy, and answers how to put it back while the service is stopped. */
  readonly copy: () => Promise<() => Promise<void>>;
};

function besideSqlite(service: Service, folder: TempDir): Beside {
  const file = join(service.dataDir, 'ledger.sqlite');
  return {
    async dump() {
      using db = new DatabaseSync(file, { readOnly: true });
      const tables = db.prepare(`select name from sqlite_schema where type = 'table'`).all() as { name: string }[];
      return Object.fromEntries(tables.map(({ name }) => [name, db.prepare(`select * from "${name}"`).all()]));
    },
    async copy() {
      const kept = folder.file('ledger.sqlite');
      using db = new DatabaseSync(file, { readOnly: true });
      db.exec(`vacuum into '${kept}'`);
      return async () => {
        for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
        copyFileSync(kept, file);
      };
    },
  };
}

function besidePostgres(databaseUrl: string): Beside {
  const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const copied = ['customers', 'identities', 'devices', 'device_addresses', 'passes'];
  return {
    dump: () =>
      withClient(async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select tablename as name from pg_tables where schemaname = 'public'`,
        );
        const tables: Record<string, object[]> = {};
        for (const { name } of rows) tables[name] = (await client.query<object>(`select * from "${name}"`)).rows;
        return tables;
      }),
    // What a restored backup brings back of a person, and takes away of what has happened since.
    copy: () =>
      withClient(async (client) => {
        for (const table of copied) await client.query(`create table old_${table} as table ${table}`);
        await client.query(`create schema kept`);
        for (const table of copied) await client.query(`alter table old_${table} set schema kept`);
        return () =>
          withClient(async (other) => {
            await other.query('truncate erasures');
            for (const table of copied)
              await other.query(`insert into ${table} table kept.old_${table} on conflict do nothing`);
            await other.query('drop schema kept cascade');
          });
      }),
  };
}

describe.concurrent.each(ledgers)('T31: an erasure on $name', ({ open }) => {
  test('T31: leaves nothing of a member who is in, in no table, key, file or log, and is not undone by an old ledger', async () => {
    const place = opened.use(await open());
    const spaces = [{ id: 'main', idleTimeout: '60s' }];
    const service = opened.use(await Service.start({ ...place.config, spaces, config: { logLevel: 'debug' } }));
    const folder = opened.use(new TempDir());
    const { databaseUrl } = place.config;
    const beside = databaseUrl === undefined ? besideSqlite(service, folder) : besidePostgres(databaseUrl);
    const redis = new Redis(join(service.dataDir, 'redis', 'redis.sock'), { retryStrategy: () => 100 });
    redis.on('error', () => undefined);
    opened.defer(() => redis.disconnect());
    const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
    const { api } = service;

    /** Where something of the person is, but for where `allowed` says. */
    async function found(traces: Traces = person): Promise<readonly string[]> {
      const rows = Object.entries(await beside.dump()).flatMap(([table, all]) =>
        tracesIn(Buffer.from(JSON.stringify(all)), traces).map((trace) => `table ${table}: ${trace}`),
      );
      return [
        ...rows,
        ...(await tracesInRedis(redis, traces)),
        ...tracesInFiles(service.dataDir, traces),
        ...tracesIn(Buffer.from(service.log), traces).map((trace) => `log: ${trace}`),
      ];
    }

    // She walks in with a phone that nobody knows, is registered without a pass, gets one, and comes back.
    const first = nas.session({ mac: phone });
    await first.start();
    const feed = opened.use(await service.sse());
    await api.put(`/v1/customers/${id}`, { name: 'Mia Wanderer', email: 'mia.w@example.net', identities: [userName] });
    await api.put(`/v1/devices/${phone}`, { customerId: id, name: "Mia's phone", class: 'phone' });
    await feed.next('checkin.failed', id);
    await api.post(`/v1/customers/${id}/passes`, { kind: 'unlimited' });
    await api.request('PUT', `/v1/customers/${id}`, { name: 'Mia Wanderer', optedIn: false });
    const { data } = await feed.next('presence.departed', id);
    expect(data['reason']).toBe('manual');
    await api.put(`/v1/customers/${id}`, { name: 'Mia Wanderer', optedIn: true });
    const second = nas.session({ mac: phone });
    await second.start();
    const third = nas.session({ mac: random, userName });
    await third.start();
    const recorded = await feed.next('checkin.recorded', id);
    await api.put('/v1/customers/noor', { name: 'Noor' });
    const before = await checkInsOf(api, id);
    expect(before.map(({ state }) => state)).toEqual(['open', 'failed']);
    expect((await found()).length).toBeGreaterThan(0);
    expect((await found(textTraces(`main|${id}`))).length).toBeGreaterThan(0);
    const putBack = await beside.copy();

    const began = performance.now();
    const answer = await api.request('DELETE', `/v1/customers/${id}`);
    const tookMs = performance.now() - began;
    expect([answer.status, tookMs < 8_000]).toEqual([204, true]);
    expect(await found()).toEqual([]);
    expect(await tracesInRedis(redis, textTraces(id))).toEqual([]);
    expect(tracesInFiles(join(service.dataDir, 'redis'), textTraces(id))).toEqual([]);

    const checkOut = await until('she is out', () => feed.events.find(({ type }) => type === 'checkout.recorded'));
    expect(checkOut.data).toMatchObject({ id: recorded.data['id'], checkOutReason: 'erased' });
    await until('who was erased is told', () => feed.events.some(({ type }) => type === 'customer.erased'));
    expect(feed.events.find(({ type }) => type === 'customer.erased')?.data).toMatchObject({ customerId: id });
    const { items } = await api.get<{
      readonly items: readonly { readonly id: string; readonly customerId: string }[];
    }>('/v1/check-ins');
    expect(items.map((each) => each.id)).toEqual(before.map((each) => each.id));
    expect(new Set(items.map((each) => each.customerId))).toEqual(new Set(['_erased']));
    expect((await api.request('DELETE', `/v1/customers/${id}`)).status).toBe(404);

    // Her phone is still in the house: a stranger's, from now on.
    for (const session of [second, third]) await session.interim(1_000);
    await until('it is seen', async () => {
      const seen = await api.get<{ readonly items: readonly object[] }>('/v1/devices/unregistered');
      return seen.items.length > 0;
    });
    expect(await found()).toEqual([]);
    expect(await tracesInRedis(redis, textTraces(id))).toEqual([]);

    await service.kill('SIGTERM');
    await putBack();
    await service.start();
    expect((await api.request('GET', `/v1/customers/${id}`)).status).toBe(404);
    expect(await found()).toEqual([]);
    await api.put(`/v1/customers/${id}`, { name: 'Somebody Else' });

    // The process dies in the middle of it: what was begun is finished by the next start.
    const asked = api.request('DELETE', `/v1/customers/${id}`).catch(() => undefined);
    await until('it has begun', async () => {
      const { erasures = [] } = await beside.dump();
      return (erasures as readonly { readonly done_at: unknown }[]).some((row) => row.done_at === null);
    });
    await service.kill('SIGKILL');
    await asked;
    await service.start();
    expect((await api.request('GET', `/v1/customers/${id}`)).status).toBe(404);
    expect(await found(textTraces('Somebody Else'))).toEqual([]);
    expect(await tracesInRedis(redis, textTraces(id))).toEqual([]);
  }, 90_000);
});
