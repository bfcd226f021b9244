import { describe, expect, test } from 'vitest';
import { getCustomer, listCustomers, putCustomer } from '../../src/identity/customers.ts';
import { Conflict } from '../../src/identity/errors.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry } from '../support/registry.ts';

describe.each(databaseKinds)('customers on %s', (kind) => {
  const databases = useDatabases(kind);

  test('a customer is created with what interface.md says about what is left out', async () => {
    const registry = createRegistry(await databases.open());
    const { customer, created } = await putCustomer(registry, 'mia', { name: 'Mia Sand' });
    expect(created).toBe(true);
    expect(customer).toMatchObject({ active: true, optedIn: null, shareName: false, identities: [], email: null });
    expect(await getCustomer(registry.db, 'mia')).toEqual(customer);
    expect(await getCustomer(registry.db, 'noah')).toBeUndefined();
  });

  test('what an update leaves out stays, and null clears', async () => {
    const registry = createRegistry(await databases.open());
    const full = { name: 'Mia', email: 'mia@example.org', identities: ['mia'], planId: 'gold', optedIn: false };
    await putCustomer(registry, 'mia', { ...full, active: false, shareName: true });
    const { customer, created } = await putCustomer(registry, 'mia', { name: 'Mia Sand' });
    expect(created).toBe(false);
    expect(customer).toMatchObject({ ...full, name: 'Mia Sand', active: false, shareName: true });
    const cleared = await putCustomer(registry, 'mia', { name: 'Mia', email: null, planId: null, optedIn: null });
    expect(cleared.customer).toMatchObject({ email: null, planId: null, optedIn: null, identities: ['mia'] });
  });

  test('identities compare without case, and are replaced as a whole', async () => {
    const registry = createRegistry(await databases.open());
    const first = await putCustomer(registry, 'mia', {
      name: 'Mia',
      identities: ['Mia@Example.org', 'MIA@example.ORG'],
    });
    expect(first.customer.identities).toEqual(['Mia@Example.org']);
    const second = await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia', 'ÉMILIE'] });
    expect(second.customer.identities).toEqual(['mia', 'ÉMILIE']);
  });

  test("another customer's identity is a conflict that names the owner and changes nothing", async () => {
    const registry = createRegistry(await databases.open());
    await putCustomer(registry, 'mia', { name: 'Mia', identities: ['mia@example.org'] });
    const taking = putCustomer(registry, 'noah', { name: 'Noah', identities: ['MIA@example.org'] });
    await expect(taking).rejects.toMatchObject({ code: 'identityTaken', customerId: 'mia' });
    await expect(taking).rejects.toBeInstanceOf(Conflict);
    expect(await getCustomer(registry.db, 'noah')).toBeUndefined();
  });

  test('two calls at once for the same identity give it to one of them', async () => {
    const registry = createRegistry(await databases.open());
    const names = ['mia', 'noah', 'zoe', 'ivo'];
    const all = await Promise.allSettled(
      names.map((name) => putCustomer(registry, name, { name, identities: ['shared@example.org'] })),
    );
    const refused = all.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as Conflict).code)).toEqual(Array(3).fill('identityTaken'));
  });

  test('the list goes on where the page before ended', async () => {
    const registry = createRegistry(await databases.open());
    for (const id of ['c', 'a', 'b']) await putCustomer(registry, id, { name: id, identities: [`${id}@example.org`] });
    const first = await listCustomers(registry.db, { limit: 2 });
    const second = await listCustomers(registry.db, { limit: 2, after: 'b' });
    expect([...first, ...second].map(({ id, identities }) => ({ id, identities }))).toEqual([
      { id: 'a', identities: ['a@example.org'] },
      { id: 'b', identities: ['b@example.org'] },
      { id: 'c', identities: ['c@example.org'] },
    ]);
  });
});
