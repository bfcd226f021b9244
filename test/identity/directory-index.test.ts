import { array, assert, boolean, constant, constantFrom, integer, nat, oneof, property, record } from 'fast-check';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { DirectoryTables } from '../../src/identity/directory-tables.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import { macFromBytes, type MacAddress } from '../../src/observation/mac-address.ts';
import { newId } from '../../src/runtime/id.ts';
import { mac } from '../support/registry.ts';

const vault = new AddressVault(new MasterKey(randomBytes(32)));
const phone = mac('00-00-5E-00-53-01');
const stranger = mac('00-00-5E-00-53-99');
const miasPhone = newId('dev');

function createIndex() {
  const index = new DirectoryIndex(vault);
  index.update((tables) => {
    tables.setCustomer('mia', true);
    tables.setCustomer('noah', false);
    tables.setAddress(vault.hash(phone), miasPhone, 'mia');
    tables.setIdentity('mia@example.org', 'mia');
    tables.setIdentity('noah@example.org', 'noah');
  });
  return index;
}

test('a registered station is its owner’s, and another one nobody’s', () => {
  const index = createIndex();
  const found = { customerId: 'mia', deviceId: miasPhone, optedIn: true };
  expect(index.resolve(phone, undefined)).toEqual(found);
  expect(index.resolve(phone, [])).toEqual(found);
  expect(index.resolve(phone, ['somebody@example.org'])).toEqual(found);
  expect(index.resolve(stranger, undefined)).toBeUndefined();
  expect(index.resolve(stranger, ['somebody@example.org'])).toBeUndefined();
  expect(index.resolve(undefined, undefined)).toBeUndefined();
  expect(index.size).toBe(1);
});

test('an identity wins over the device, without case, and the best evidence first', () => {
  const index = createIndex();
  expect(index.resolve(phone, ['Mia@EXAMPLE.org'])).toMatchObject({ customerId: 'mia', deviceId: miasPhone });
  const noah = index.resolve(phone, ['NOAH@example.org', 'mia@example.org']);
  expect(noah).toMatchObject({ customerId: 'noah', optedIn: false });
  expect(noah?.deviceId).toMatch(/^sta_[0-9a-z]{20}$/u);
  expect(index.resolve(phone, ['x', 'noah@example.org'])?.customerId).toBe('noah');
});

test('a device with the identity of somebody else says as whose it is registered, unless they have not opted in', () => {
  const index = createIndex();
  index.update((tables) => tables.setCustomer('noah', true));
  expect(index.resolve(phone, ['noah@example.org'])?.registeredTo).toEqual({ customerId: 'mia', deviceId: miasPhone });
  expect(index.resolve(phone, ['mia@example.org'])).not.toHaveProperty('registeredTo');
  expect(index.resolve(stranger, ['noah@example.org'])).not.toHaveProperty('registeredTo');
  index.update((tables) => tables.setCustomer('mia', false));
  expect(index.resolve(phone, ['noah@example.org'])).not.toHaveProperty('registeredTo');
});

test('where registrations count for more, the device stays its owner’s, and says whom the identity names', () => {
  const index = createIndex();
  index.update((tables) => tables.setCustomer('noah', true));
  const rules = { caseSensitive: false, onConflict: 'device' } as const;
  const found = { customerId: 'mia', deviceId: miasPhone, optedIn: true };
  expect(index.resolve(phone, ['noah@example.org'], rules)).toMatchObject({
    ...found,
    authenticatedAs: { customerId: 'noah', deviceId: miasPhone },
  });
  expect(index.resolve(phone, ['mia@example.org'], rules)).toEqual(found);
  index.update((tables) => tables.setCustomer('noah', false));
  expect(index.resolve(phone, ['noah@example.org'], rules)).toEqual(found);
});

test('where spelling counts, only the registered one is the person', () => {
  const index = createIndex();
  index.update((tables) => tables.setIdentity('mia.sand', 'mia', 'Mia.Sand'));
  const rules = { caseSensitive: true, onConflict: 'identity' } as const;
  expect(index.resolve(stranger, ['Mia.Sand'], rules)?.customerId).toBe('mia');
  expect(index.resolve(stranger, ['mia.sand'], rules)).toBeUndefined();
  expect(index.resolve(stranger, ['mia.sand'])?.customerId).toBe('mia');
});

test('a station that is not registered tells by which identity it is somebody’s', () => {
  const index = createIndex();
  expect(index.resolve(stranger, ['x', 'MIA@example.org'])?.provenBy).toBe('MIA@example.org');
  for (const found of [index.resolve(phone, ['mia@example.org']), index.resolve(undefined, ['mia@example.org'])]) {
    expect(found).not.toHaveProperty('provenBy');
  }
});

test('an identity has to be the same to the last character', () => {
  const index = createIndex();
  for (const text of ['mia', 'mia@example.or', 'mia@example.org ', ' mia@example.org', 'mia@example.orgx', '']) {
    expect(index.resolve(stranger, [text])).toBeUndefined();
  }
  index.update((tables) => tables.setIdentity('émilie@example.org', 'mia'));
  expect(index.resolve(undefined, ['E\u0301MILIE@example.org'])?.customerId).toBe('mia');
  expect(index.resolve(undefined, ['x'.repeat(5000)])).toBeUndefined();
});

test('what is known through an identity alone has one name, which does not tell the address', () => {
  const index = createIndex();
  const first = index.resolve(stranger, ['mia@example.org'])?.deviceId;
  expect(index.resolve(stranger, ['noah@example.org'])?.deviceId).toBe(first);
  expect(new DirectoryIndex(vault).resolve(stranger, ['mia@example.org'])).toBeUndefined();
  expect(createIndex().resolve(stranger, ['mia@example.org'])?.deviceId).toBe(first);
  const noStation = index.resolve(undefined, ['MIA@example.org'])?.deviceId;
  expect(noStation).toMatch(/^idn_[0-9a-z]{20}$/u);
  expect(index.resolve(undefined, ['mia@example.org'])?.deviceId).toBe(noStation);
});

test('a station that was nobody’s is found as soon as it is registered', () => {
  const index = createIndex();
  const deviceId = newId('dev');
  expect(index.resolve(stranger, undefined)).toBeUndefined();
  index.update((tables) => tables.setAddress(vault.hash(stranger), deviceId, 'noah'));
  expect(index.resolve(stranger, undefined)).toEqual({ customerId: 'noah', deviceId, optedIn: false });
});

test('a forgotten station is nobody’s, and whose it becomes next', () => {
  const index = createIndex();
  const deviceId = newId('dev');
  expect(index.resolve(phone, undefined)?.customerId).toBe('mia');
  index.update((tables) => tables.removeAddress(vault.hash(phone)));
  expect(index.resolve(phone, undefined)).toBeUndefined();
  index.update((tables) => tables.setAddress(vault.hash(phone), deviceId, 'noah'));
  expect(index.resolve(phone, undefined)).toMatchObject({ customerId: 'noah', deviceId });
});

test('a change of mind about being seen takes effect at once', () => {
  const index = createIndex();
  expect(index.resolve(phone, undefined)?.optedIn).toBe(true);
  index.update((tables) => tables.setCustomer('mia', false));
  expect(index.resolve(phone, undefined)?.optedIn).toBe(false);
});

test('a customer who is gone is not found by anything, and may come back as somebody new', () => {
  const index = createIndex();
  index.update((tables) => tables.removeCustomer('mia'));
  expect(index.resolve(phone, ['mia@example.org'])).toBeUndefined();
  index.update((tables) => tables.setCustomer('mia', true));
  expect(index.resolve(phone, ['mia@example.org'])).toBeUndefined();
  expect(index.size).toBe(0);
  index.update((tables) => tables.setAddress(vault.hash(phone), miasPhone, 'mia'));
  expect(index.resolve(phone, undefined)?.customerId).toBe('mia');
});

test('a removed station’s place is never mistaken for its successor’s, however many come and go', () => {
  const index = createIndex();
  const stations = Array.from({ length: 6_000 }, (_, number) => stationOf(number));
  index.update((tables) => {
    for (const station of stations) tables.setAddress(vault.hash(station), newId('dev'), 'mia');
  });
  for (const station of stations) expect(index.resolve(station, undefined)?.customerId).toBe('mia');
  index.update((tables) => {
    for (const station of stations) tables.removeAddress(vault.hash(station));
  });
  const successors = Array.from({ length: 6_000 }, (_, number) => stationOf(10_000 + number));
  index.update((tables) => {
    for (const station of successors) tables.setAddress(vault.hash(station), newId('dev'), 'noah');
  });
  for (const station of stations) expect(index.resolve(station, undefined)).toBeUndefined();
  for (const station of successors) expect(index.resolve(station, undefined)?.customerId).toBe('noah');
});

const customers = ['a', 'b', 'c'] as const;

test('after any changes it answers as a plain map does', () => {
  const station = integer({ min: 0, max: 40 });
  const customer = constantFrom(...customers);
  const change = oneof(
    record({ type: constant('set' as const), station, customer, deviceId: nat().map(() => newId('dev')) }),
    record({ type: constant('remove' as const), station }),
    record({ type: constant('look' as const), station }),
    record({ type: constant('optIn' as const), customer, optedIn: boolean() }),
  );
  assert(
    property(array(change, { maxLength: 200 }), (changes) => {
      const index = new DirectoryIndex(vault, new DirectoryTables(7));
      const optedIn = new Map<string, boolean>(customers.map((id) => [id, false]));
      const owners = new Map<number, { customerId: string; deviceId: string }>();
      index.update((tables) => customers.forEach((id) => tables.setCustomer(id, false)));
      const answers: unknown[][] = [];
      for (const step of changes) {
        if (step.type === 'set') {
          owners.set(step.station, { customerId: step.customer, deviceId: step.deviceId });
          index.update((tables) =>
            tables.setAddress(vault.hash(stationOf(step.station)), step.deviceId, step.customer),
          );
        } else if (step.type === 'remove') {
          owners.delete(step.station);
          index.update((tables) => tables.removeAddress(vault.hash(stationOf(step.station))));
        } else if (step.type === 'optIn') {
          optedIn.set(step.customer, step.optedIn);
          index.update((tables) => tables.setCustomer(step.customer, step.optedIn));
        } else {
          const owner = owners.get(step.station);
          const expected = owner && { ...owner, optedIn: optedIn.get(owner.customerId) };
          answers.push([index.resolve(stationOf(step.station), undefined), expected]);
        }
      }
      for (const [answer, expected] of answers) expect(answer).toEqual(expected);
      expect(index.size).toBe(owners.size);
    }),
  );
});

function stationOf(number: number): MacAddress {
  return macFromBytes(Uint8Array.of(0x02, 0x00, 0x5e, 0, number >> 8, number)) as MacAddress;
}
