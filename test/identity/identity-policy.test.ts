import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AddressVault } from '../../src/identity/address-vault.ts';
import { DirectoryIndex } from '../../src/identity/directory-index.ts';
import { namesOf } from '../../src/identity/identity-policy.ts';
import { MasterKey } from '../../src/identity/master-key.ts';
import {
  identityKinds,
  isAnonymousIdentity,
  type Identity,
  type IdentityKind,
} from '../../src/observation/identity.ts';

/** The policy of a space that sets nothing, but for what is given. */
function policyOf(
  given: {
    readonly order?: readonly IdentityKind[];
    readonly stripRealms?: readonly string[] | 'all';
    readonly caseSensitive?: boolean;
  } = {},
) {
  return { order: identityKinds, stripRealms: [], caseSensitive: false, onConflict: 'identity', ...given } as const;
}

const heard: readonly Identity[] = [
  { kind: 'portal', text: 'guest-7' },
  { kind: 'userName', text: 'Mia@Example.org' },
  { kind: 'chargeableUserIdentity', text: 'cui-1' },
  { kind: 'class', text: 'c1' },
  { kind: 'class', text: 'c2' },
];

const named = (text: string, policy: Parameters<typeof policyOf>[0]) =>
  namesOf([{ kind: 'userName', text }], policyOf(policy));

describe('which identities count', () => {
  test('all kinds, best evidence first, and those of one kind as they were sent', () => {
    expect(namesOf(heard, policyOf())).toEqual(['cui-1', 'Mia@Example.org', 'c1', 'c2', 'guest-7']);
  });

  test('in the order of the space, and those that it leaves out not at all', () => {
    expect(namesOf(heard, policyOf({ order: ['portal', 'userName'] }))).toEqual(['guest-7', 'Mia@Example.org']);
    expect(namesOf(heard, policyOf({ order: ['pskName'] }))).toBeUndefined();
  });

  test('nobody was named where nothing was sent', () => {
    expect(namesOf(undefined, policyOf())).toBeUndefined();
    expect(namesOf([], policyOf())).toBeUndefined();
  });
});

describe('realms are no part of a name where the space says so', () => {
  test.each([
    ['mia@example.org', ['mia@example.org', 'mia']],
    ['mia@EXAMPLE.org', ['mia@EXAMPLE.org', 'mia']],
    ['EXAMPLE\\mia', ['EXAMPLE\\mia', 'mia']],
    // The realm is what follows the last at-sign (RFC 7542, section 2.2).
    ['mia@home@example.org', ['mia@home@example.org', 'mia@home']],
    ['example.net\\mia@example.org', ['example.net\\mia@example.org', 'example.net\\mia']],
    ['mia@example.net', ['mia@example.net']],
    ['mia@sub.example.org', ['mia@sub.example.org']],
    ['mia', ['mia']],
    ['@example.org', ['@example.org']],
    ['example\\', ['example\\']],
  ])('of %s, with its realms named: %j', (text, names) => {
    expect(named(text, { stripRealms: ['example.org', 'example'] })).toEqual(names);
  });

  test.each([
    ['mia@anywhere.example', 'mia'],
    ['ANYWHERE\\mia', 'mia'],
    ['mia@', 'mia'],
    ['\\mia', 'mia'],
  ])('of %s, with every realm: %s', (text, name) => {
    expect(named(text, { stripRealms: 'all' })).toEqual([text, name]);
  });

  test('the name as it was sent is looked for first, and no realm is stripped unasked', () => {
    expect(named('mia@example.org', {})).toEqual(['mia@example.org']);
    const both = namesOf(heard, policyOf({ order: ['userName', 'portal'], stripRealms: 'all' }));
    expect(both).toEqual(['Mia@Example.org', 'Mia', 'guest-7']);
  });
});

test('a spelling is the person’s own where the space is strict, and any spelling elsewhere', () => {
  const index = new DirectoryIndex(new AddressVault(new MasterKey(randomBytes(32))));
  index.update((tables) => {
    tables.setCustomer('mia', true);
    tables.setIdentity('mia', 'mia', 'Mia');
  });
  const find = (text: string, caseSensitive: boolean) => {
    const policy = policyOf({ caseSensitive, stripRealms: 'all' });
    return index.resolve(undefined, namesOf([{ kind: 'userName', text }], policy), policy)?.customerId;
  };
  for (const text of ['mia', 'MIA', 'Mia', 'mia@example.org', 'EXAMPLE\\Mia']) expect(find(text, false)).toBe('mia');
  for (const text of ['Mia', 'Mia@example.org', 'EXAMPLE\\Mia']) expect(find(text, true)).toBe('mia');
  for (const text of ['mia', 'MIA', 'mia@example.org']) expect(find(text, true)).toBeUndefined();
});

test.each(['', 'anonymous', 'Anonymous@example.org', 'anon', 'ANON@example.org', '@example.org'])(
  'the outer identity "%s" hides the person',
  (name) => expect(isAnonymousIdentity(name)).toBe(true),
);

test.each(['anna', 'anonymous1', 'anonymouse@example.org', 'anon.y@example.org', 'mia@anonymous', 'a'])(
  '"%s" names somebody',
  (name) => expect(isAnonymousIdentity(name)).toBe(false),
);
