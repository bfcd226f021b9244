import { expect, test } from 'vitest';
import type { SpaceConfig } from '../../src/config/schema.ts';
import { Spaces } from '../../src/spaces/spaces.ts';

const hq: SpaceConfig = {
  id: 'hq',
  name: 'Headquarters',
  timeZone: 'Europe/Lisbon',
  idleTimeout: 900_000,
  settle: 0,
  rejoin: 3_600_000,
  maxBlind: 7_200_000,
  ssids: ['Members', 'Staff'],
  methods: ['wifi'],
  identities: { order: ['userName'], stripRealms: [], caseSensitive: false, onConflict: 'identity' },
  requirePass: true,
};
const { name: _name, ssids: _ssids, ...unnamed } = hq;
const annex: SpaceConfig = { ...unnamed, id: 'annex' };
const spaces = new Spaces([hq, annex]);

test('only the listed networks count, to the letter, and so does one that is not named', () => {
  const space = spaces.get('hq');
  expect(['Members', 'Staff', undefined].map((ssid) => space?.counts(ssid))).toEqual([true, true, true]);
  expect(['Guests', 'members', 'Members ', ''].map((ssid) => space?.counts(ssid))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('every network counts where none is listed', () => {
  expect(['Guests', '', undefined].map((ssid) => spaces.get('annex')?.counts(ssid))).toEqual([true, true, true]);
});

test('spaces are listed as configured, and called by their id for want of a name', () => {
  expect(spaces.list().map(({ name }) => name)).toEqual(['Headquarters', 'annex']);
  expect(spaces.get('attic')).toBeUndefined();
});
