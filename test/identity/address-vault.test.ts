import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { AddressHash, toHashText } from '../../src/identity/address-hash.ts';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import { mac } from '../support/registry.ts';

const phone = mac('00-00-5E-00-53-AF');
const vault = new AddressVault(new MasterKey(randomBytes(32)));

test('the hash is HMAC-SHA-256 over the six bytes', () => {
  for (const length of [16, 32, 64]) {
    const key = randomBytes(length);
    const expected = createHmac('sha256', key).update(Buffer.from('00005e0053af', 'hex')).digest();
    const digest = new AddressHash(key).digest(phone);
    expect(Buffer.from(digest, 'latin1')).toEqual(expected);
    expect(toHashText(digest)).toBe(expected.subarray(0, 16).toString('base64url'));
  }
});

test('a sealed address opens for its owner only, and only as what it is', () => {
  const mia = { customerId: 'mia', dataKey: vault.createDataKey('mia') };
  const noah = { customerId: 'noah', dataKey: vault.createDataKey('noah') };
  const sealed = vault.seal(phone, mia);
  const hash = vault.hash(phone);
  expect(vault.open(sealed, hash, mia)).toBe(phone);
  expect(vault.seal(phone, mia)).not.toBe(sealed);
  expect(vault.tryOpen(sealed, hash, noah)).toBeUndefined();
  expect(vault.tryOpen(sealed, hash, { customerId: 'noah', dataKey: mia.dataKey })).toBeUndefined();
  expect(vault.tryOpen(sealed, vault.hash(mac('00-00-5E-00-53-B0')), mia)).toBeUndefined();
  expect(vault.tryOpen('', hash, mia)).toBeUndefined();
});

test('another master key opens nothing and finds nothing', () => {
  const other = new AddressVault(new MasterKey(randomBytes(32)));
  const mia = { customerId: 'mia', dataKey: vault.createDataKey('mia') };
  expect(other.hash(phone)).not.toBe(vault.hash(phone));
  expect(other.tailHash('53AF')).not.toBe(vault.tailHash('53AF'));
  expect(other.tryOpen(vault.seal(phone, mia), vault.hash(phone), mia)).toBeUndefined();
});
