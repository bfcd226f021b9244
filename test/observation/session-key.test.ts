import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nasKey, nasOfSession, sessionKey } from '../../src/observation/session-key.ts';

const name = fc.string({ unit: fc.constantFrom('a', '|', '%', '/', '7', 'C'), minLength: 1, maxLength: 8 });

test('two sessions share a key only when NAS and session id are the same', () => {
  fc.assert(
    fc.property(name, name, name, name, (nas, id, otherNas, otherId) => {
      const same = nas === otherNas && id === otherId;
      expect(sessionKey(nasKey('hq', nas), id) === sessionKey(nasKey('hq', otherNas), otherId)).toBe(same);
    }),
    { numRuns: 2000 },
  );
});

test('the NAS of a session is the one that a reset names', () => {
  fc.assert(
    fc.property(name, name, (nas, id) => {
      expect(nasOfSession(sessionKey(nasKey('hq', nas), id))).toBe(nasKey('hq', nas));
    }),
  );
});

test('routers of the same name in two spaces are two', () => {
  expect(nasKey('hq', 'MikroTik')).not.toBe(nasKey('annex', 'MikroTik'));
});
