import { describe, expect, test } from 'vitest';
import { putCustomer } from '../../src/identity/customers.ts';
import { TokenCache } from '../../src/identity/token-cache.ts';
import { createToken, findToken, hasAdminToken, listTokens, revokeToken } from '../../src/identity/tokens.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry } from '../support/registry.ts';
import { FixedClock } from '../http/fixed-clock.ts';

describe.each(databaseKinds)('tokens on %s', (kind) => {
  const databases = useDatabases(kind);

  test('a token is shown once, and only its hash is kept', async () => {
    const db = await databases.open();
    const clock = new FixedClock();
    const { id, token } = await createToken(db, clock, { role: 'kiosk', name: 'Front door', spaceIds: ['hq'] });
    expect(token).toMatch(/^rc_[\w-]{43}$/u);
    expect(await findToken(db, token)).toMatchObject({ id, role: 'kiosk', spaceIds: ['hq'], customerId: null });
    const rows = await db.read.selectFrom('tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token.slice(3));
  });

  test('what is not a token of ours is nobody’s', async () => {
    const db = await databases.open();
    const { token } = await createToken(db, new FixedClock(), { role: 'admin', name: 'a' });
    for (const text of ['', 'rc_', token.slice(0, -1), `${token}x`, token.toUpperCase(), `rc_${'A'.repeat(43)}`]) {
      expect(await findToken(db, text)).toBeUndefined();
    }
  });

  test('a token must say whom or where it acts for', async () => {
    const db = await databases.open();
    const clock = new FixedClock();
    await expect(createToken(db, clock, { role: 'member', name: 'a' })).rejects.toThrow(/customer/u);
    await expect(createToken(db, clock, { role: 'viewer', name: 'a', customerId: 'mia' })).rejects.toThrow(/customer/u);
    await expect(createToken(db, clock, { role: 'reader', name: 'a', spaceIds: [] })).rejects.toThrow(/space/u);
    const unknown = createToken(db, clock, { role: 'member', name: 'a', customerId: 'mia' });
    await expect(unknown).rejects.toMatchObject({ code: 'unknownCustomer' });
    await putCustomer(createRegistry(db), 'mia', { name: 'Mia' });
    const { token } = await createToken(db, clock, { role: 'member', name: 'a', customerId: 'mia' });
    expect((await findToken(db, token))?.customerId).toBe('mia');
  });

  test('a revoked token is good no longer, and stays in the list', async () => {
    const db = await databases.open();
    const clock = new FixedClock();
    const { id, token } = await createToken(db, clock, { role: 'admin', name: 'a' });
    expect(await hasAdminToken(db, clock)).toBe(true);
    expect(await revokeToken(db, clock, id)).toBe(true);
    expect(await revokeToken(db, clock, id)).toBe(false);
    expect(await findToken(db, token)).toBeUndefined();
    expect(await hasAdminToken(db, clock)).toBe(false);
    expect(await listTokens(db, { limit: 10 })).toMatchObject([{ id, revokedAt: clock.now() }]);
  });

  test('the cache answers without the ledger, until it is told or a minute has passed', async () => {
    const db = await databases.open();
    const clock = new FixedClock();
    const cache = new TokenCache(db, clock);
    const { id, token } = await createToken(db, clock, { role: 'admin', name: 'a' });
    expect((await cache.find(token))?.id).toBe(id);
    await db.write.updateTable('tokens').set({ revoked_at: 1 }).execute();
    clock.pass(59_000);
    expect((await cache.find(token))?.id).toBe(id);
    cache.forget('another');
    expect((await cache.find(token))?.id).toBe(id);
    cache.forget(id);
    expect(await cache.find(token)).toBeUndefined();
    await db.write.updateTable('tokens').set({ revoked_at: null }).execute();
    expect((await cache.find(token))?.id).toBe(id);
    await db.write.updateTable('tokens').set({ revoked_at: 1 }).execute();
    clock.pass(60_000);
    expect(await cache.find(token)).toBeUndefined();
  });

  test('a token expires in the cache too, and says when it was last used', async () => {
    const db = await databases.open();
    const clock = new FixedClock();
    const cache = new TokenCache(db, clock);
    const expiresAt = clock.now() + 30_000;
    const { token } = await createToken(db, clock, { role: 'admin', name: 'a', expiresAt });
    expect((await cache.find(token))?.expiresAt).toBe(expiresAt);
    expect((await listTokens(db, { limit: 1 }))[0]?.lastUsedAt).toBe(clock.now());
    clock.pass(30_000);
    expect(await cache.find(token)).toBeUndefined();
    expect(await hasAdminToken(db, clock)).toBe(false);
  });
});
