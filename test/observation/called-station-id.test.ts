import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCalledStationId } from '../../src/observation/called-station-id.ts';
import { readSyntaxFixtures } from '../support/radius-fixtures.ts';

test.each(readSyntaxFixtures('called-station-id.txt'))('$input is read as $output', ({ input, output }) => {
  expect(parseCalledStationId(input)).toEqual(output);
});

test('whatever the SSID is, it comes back whole', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 32 }), (ssid) => {
      expect(parseCalledStationId(`00-00-5E-00-53-F0:${ssid}`)).toEqual({
        accessPoint: '00-00-5E-00-53-F0',
        bssid: '00-00-5E-00-53-F0',
        ssid,
      });
    }),
  );
});
