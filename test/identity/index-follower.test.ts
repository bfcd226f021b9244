import { describe, expect, test } from 'vitest';
import { bulkInsert } from '../../src/db/bulk.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { inRegistryTransaction } from '../../src/db/registry-transaction.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { deleteDevice, putDevice } from '../../src/identity/devices.ts';
import { deviceClasses } from '../../src/identity/device-class.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import type { Change, Registration } from '../../src/identity/directory-source.ts';
import { IndexFollower } from '../../src/identity/index-follower.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { createToken } from '../../src/identity/tokens.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const phone = mac('00-00-5E-00-53-01');
const laptop = mac('00-00-5E-00-53-02');

async function follow(registry: Registry, db: Database = registry.db) {
  const index = new DirectoryIndex(registry.vault);
  const seen = { registrations: [] as Registration[], changes: [] as (Change | 'all')[], errors: [] as unknown[] };
  const follower = await IndexFollower.start({
    ...registry,
    db,
    index,
    seed: 1,
    assumeOptIn: true,
    onRegistered: (registrations) => seen.registrations.push(...registrations),
    onChanges: (changes) => seen.changes.push(...(changes === 'all' ? (['all'] as const) : changes)),
    onError: (error) => seen.errors.push(error),
  });
  return { index, follower, seen, [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose]() };
}

describe.each(databaseKinds)('the index over %s', (kind) => {
  const databases = useDatabases(kind);

  test('holds from the start what was registered before', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia@example.org'] });
    await putCustomer(registry, 'noah', { name: 'Noah', optedIn: false });
    const { device } = await putDevice(registry, phone, { customerId: 'mia' });
    await putDevice(registry, laptop, { customerId: 'noah' });
    await using following = await follow(registry);
    const { index, seen } = following;
    expect(index.resolve(phone, undefined)).toEqual({ customerId: 'mia', deviceId: device.id, optedIn: true });
    expect(index.resolve(laptop, undefined)).toMatchObject({ customerId: 'noah', optedIn: false });
    expect(index.resolve(undefined, ['MIA@example.org'])?.customerId).toBe('mia');
    expect(seen.registrations).toEqual([]);
  });

  test('knows what a device is, from the start and when that is changed', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia@example.org'] });
    await putDevice(registry, phone, { customerId: 'mia', class: 'phone' });
    await putDevice(registry, laptop, { customerId: 'mia' });
    await using following = await follow(registry);
    const { index } = following;
    expect(index.resolve(phone, undefined)?.deviceClass).toBe('phone');
    expect(index.resolve(laptop, undefined)?.deviceClass).toBeUndefined();
    await putDevice(registry, laptop, { customerId: 'mia', class: 'laptop' });
    expect(index.resolve(laptop, undefined)?.deviceClass).toBe('laptop');
    expect(index.resolve(undefined, ['mia@example.org'])?.deviceClass).toBeUndefined();
  });

  test('knows every class, and none once it is taken back', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await putDevice(registry, phone, { customerId: 'mia' });
    await using following = await follow(registry);
    for (const deviceClass of [...deviceClasses, null]) {
      await putDevice(registry, phone, { customerId: 'mia', class: deviceClass });
      await following.follower.settled();
      expect(following.index.resolve(phone, undefined)?.deviceClass).toBe(deviceClass ?? undefined);
    }
  });

  test('takes a text that is no class for none', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await putDevice(registry, phone, { customerId: 'mia', class: 'phone' });
    await registry.db.write.transaction().execute(async (trx) => {
      await trx.updateTable('devices').set({ class: 'toaster' }).execute();
    });
    await using following = await follow(registry);
    const found = following.index.resolve(phone, undefined);
    expect(found).toMatchObject({ customerId: 'mia', deviceClass: undefined });
  });

  test('passes no class on to whoever registers the address next, nor to an identity', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await putCustomer(registry, 'noah', { name: 'Noah', identities: ['noah'] });
    await putDevice(registry, phone, { customerId: 'mia', class: 'laptop' });
    await using following = await follow(registry);
    const { index, follower } = following;
    expect(index.resolve(phone, ['noah'])).toMatchObject({ customerId: 'noah', deviceClass: undefined });
    await deleteDevice(registry, phone);
    await putDevice(registry, phone, { customerId: 'noah' });
    await follower.settled();
    expect(index.resolve(phone, undefined)).toMatchObject({ customerId: 'noah', deviceClass: undefined });
  });

  test('learns of this process’s changes, and says which device can be found now', async () => {
    const registry = createRegistry(await databases.open());
    await using following = await follow(registry);
    const { index, follower, seen } = following;
    await putCustomer(registry, 'mia', { name: 'Mia' });
    const { device } = await putDevice(registry, phone, { customerId: 'mia' });
    await follower.settled();
    expect(index.resolve(phone, undefined)?.deviceId).toBe(device.id);
    expect(seen.registrations).toEqual([{ station: phone, deviceId: device.id, customerId: 'mia' }]);
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia'], optedIn: false });
    await follower.settled();
    expect(index.resolve(laptop, ['mia'])).toMatchObject({ customerId: 'mia', optedIn: false });
    await putCustomer(registry, 'mia', { name: 'Mia', identities: [] });
    await deleteDevice(registry, phone);
    await follower.settled();
    expect(index.resolve(phone, ['mia'])).toBeUndefined();
  });

  test('learns of another process’s changes by itself', async () => {
    const config = await databases.createConfig();
    const options = { migrate: true, clock: systemClock, onError: () => undefined };
    await using ours = await openDatabase(config, options);
    await using theirs = await openDatabase(config, options);
    const registry = createRegistry(ours);
    await using following = await follow(registry);
    await putCustomer({ ...registry, db: theirs }, 'mia', { name: 'Mia' });
    await putDevice({ ...registry, db: theirs }, phone, { customerId: 'mia' });
    const { id } = await createToken(theirs, systemClock, { role: 'admin', name: 'a' });
    await following.follower.settled();
    expect(following.index.resolve(phone, undefined)?.customerId).toBe('mia');
    await putDevice({ ...registry, db: theirs }, phone, { customerId: 'mia', class: 'watch' });
    await following.follower.settled();
    expect(following.index.resolve(phone, undefined)?.deviceClass).toBe('watch');
    expect(following.seen.changes).toContainEqual(expect.objectContaining({ kind: 'token', key: id }));
  });

  test('loads everything again when changes are missing', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await using following = await follow(registry);
    await registry.db.write.transaction().execute(async (trx) => {
      await trx.updateTable('customers').set({ opted_in: 0 }).execute();
      await trx.updateTable('counters').set({ value: 500 }).where('name', '=', 'changes').execute();
    });
    await putDevice(registry, phone, { customerId: 'mia' });
    await following.follower.settled();
    expect(following.index.resolve(phone, undefined)).toMatchObject({ customerId: 'mia', optedIn: false });
    expect(following.seen.changes).toContain('all');
    expect(following.follower.position).toBe(502);
  });

  test('takes in a thousand changes and more in order', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await using following = await follow(registry);
    const names = Array.from({ length: 2_500 }, (_, number) => `name-${number}@example.org`);
    await inRegistryTransaction(registry.db, registry.clock, async (trx, note) => {
      const rows = names.map((identity) => ({ identity, spelling: identity, customer_id: 'mia' }));
      await bulkInsert(trx, kind, 'identities', rows);
      for (const _ of names) note('identity', 'mia');
    });
    await following.follower.settled();
    for (const name of names) expect(following.index.resolve(undefined, [name])?.customerId).toBe('mia');
    const sequences = following.seen.changes.map((change) => (change === 'all' ? -1 : change.sequence));
    expect(sequences).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 2));
  });
});

describe('what the ledger tells its nodes of a person', () => {
  const databases = useDatabases('sqlite');

  test('is never an identity: that is a name', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia@example.org'] });
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['MIA@example.org', 'mia.laptop'] });
    const rows = await registry.db.read.selectFrom('changes').selectAll().execute();
    expect(rows.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'customer mia',
      'identity mia',
      'customer mia',
      'identity mia',
    ]);
  });

  test('may have become unreadable: then everything is loaded again', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia@example.org'] });
    await using following = await follow(registry);
    await registry.db.write.deleteFrom('customers').execute();
    await inRegistryTransaction(registry.db, registry.clock, async (_trx, note) => note('everything', ''));
    await following.follower.settled();
    expect(following.index.resolve(undefined, ['mia@example.org'])).toBeUndefined();
    expect(following.seen.changes).toEqual(['all']);
  });

  test('is from when on they are to be seen', async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia'] });
    const tomorrow = Date.now() + 86_400_000;
    await using following = await follow(registry);
    const { index } = following;
    const since = () => index.resolve(undefined, ['mia'])?.trackedSince;
    expect([since(), index.isTracked('mia', Date.now())]).toEqual([undefined, true]);
    await putCustomer(registry, 'mia', { name: 'Mia', pausedUntil: tomorrow });
    expect([since(), index.isTracked('mia', Date.now()), index.isTracked('mia', tomorrow)]).toEqual([
      tomorrow,
      false,
      true,
    ]);
    await using another = await follow(registry);
    expect(another.index.resolve(undefined, ['mia'])?.trackedSince).toBe(tomorrow);
    const before = Date.now();
    await putCustomer(registry, 'mia', { name: 'Mia', pausedUntil: null });
    expect(since()).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
    expect(since()).toBeLessThan(tomorrow);
    await putCustomer(registry, 'mia', { name: 'Mia', optedIn: false });
    expect(index.isTracked('mia', Date.now() + 1)).toBe(false);
    const away = Date.now();
    await putCustomer(registry, 'mia', { name: 'Mia', optedIn: true });
    expect(since()).toBeGreaterThanOrEqual(Math.floor(away / 1000) * 1000);
  });
});

describe('the index over a PostgreSQL that goes away', () => {
  const databases = useDatabases('postgres');

  test('keeps answering, says so, and catches up', async () => {
    const server = await databases.postgres();
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia' });
    await putDevice(registry, phone, { customerId: 'mia' });
    await using following = await follow(registry);
    const { index, follower, seen } = following;
    await server.stop();
    await expect.poll(() => seen.errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(seen.errors[0]).toMatchObject({ name: 'DatabaseError', retryable: true });
    expect(index.resolve(phone, undefined)?.customerId).toBe('mia');
    await server.resume();
    await putDevice(registry, laptop, { customerId: 'mia' });
    await follower.settled();
    expect(index.resolve(laptop, undefined)?.customerId).toBe('mia');
  });
});
