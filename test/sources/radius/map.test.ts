import { expect, test } from 'vitest';
import type { Observation } from '../../../src/observation/observation.ts';
import { nasOfSession } from '../../../src/observation/session-key.ts';
import { decodeRequest } from '../../../src/protocols/radius/decode.ts';
import { encodeAccountingRequest } from '../../../src/protocols/radius/encode-request.ts';
import { NasClocks } from '../../../src/sources/radius/nas-clocks.ts';
import { mapAccounting, type Mapped } from '../../../src/sources/radius/map.ts';
import type { Attribute } from '../../../src/protocols/radius/attribute.ts';
import { readRadiusFixtures } from '../../support/radius-fixtures.ts';
import { parseRadiusText } from '../../support/radius-text.ts';

const secret = Buffer.from('sixteen-or-more-characters');
const origin = {
  sourceId: 'aps',
  spaceId: 'hq',
  senderAddress: '192.0.2.77',
  lateWindow: 86_400_000,
  get clocks() {
    return new NasClocks();
  },
};
const arrivedAt = Date.parse('2026-11-24T09:00:05Z');

function map(attributes: readonly Attribute[]): Mapped {
  const packet = decodeRequest(encodeAccountingRequest({ identifier: 1, attributes, secret }), secret);
  if (packet.type === 'rejected') throw new Error(packet.reason);
  return mapAccounting(packet, arrivedAt, origin);
}

/** Without what every fixture would repeat. */
function briefly(mapped: Mapped): unknown {
  if (mapped.type === 'ignored') return { ignored: mapped.reason };
  const doubt = mapped.doubt === undefined ? {} : { doubt: mapped.doubt };
  const { sourceId, spaceId, ...more } = mapped.type === 'observation' ? mapped.observation : mapped.reset;
  expect({ sourceId, spaceId }).toEqual({ sourceId: 'aps', spaceId: 'hq' });
  if (mapped.type === 'nasReset') return { reset: more, ...doubt };
  // The NAS is the one that the session is of, said once more.
  const { nas, ...rest } = more as Partial<Observation>;
  return nas === nasOfSession(rest.session?.key ?? '') ? { ...rest, ...doubt } : { nas, ...rest, ...doubt };
}

test.each(readRadiusFixtures())('$name', ({ attributes, expected }) => {
  expect(briefly(map(attributes))).toEqual(expected);
});

function identitiesOf(lines: string): readonly string[] | undefined {
  const mapped = map(parseRadiusText(`Acct-Status-Type = Start\nCalling-Station-Id = "00-00-5E-00-53-01"\n${lines}`));
  return mapped.type === 'observation' ? mapped.observation.identities?.map(({ text }) => text) : undefined;
}

test.each(['anonymous', 'Anonymous@example.org', 'anon', '@example.org', ' ', '00005e0053aa', '00:00:5e:00:53:01'])(
  'the user name "%s" is nobody',
  (name) => {
    expect(identitiesOf(`User-Name = ${JSON.stringify(name)}`)).toBeUndefined();
  },
);

test.each([
  'mia',
  'Anonymous-Mia@example.org',
  'anna@example.org',
  'EXAMPLE\\mia',
  'mia.über@example.org',
  '351912345678',
])('the user name "%s" is somebody', (name) => {
  expect(identitiesOf(`User-Name = ${JSON.stringify(name)}`)).toEqual([name]);
});

test('an identity that the server wrote outranks the name that the phone gave', () => {
  expect(identitiesOf('User-Name = "mia@example.org"\nChargeable-User-Identity = "c3fd"')).toEqual([
    'c3fd',
    'mia@example.org',
  ]);
});

test('an identity that is no text is kept apart from others like it', () => {
  expect(identitiesOf('Chargeable-User-Identity = 0x0102ff')).toEqual(['0102ff']);
  expect(identitiesOf('Chargeable-User-Identity = 0x00')).toBeUndefined();
});

test('control characters in names cannot reach a terminal or a database', () => {
  expect(identitiesOf('User-Name = "m\\u001b[31mia\\u0000x"')).toEqual(['m\u{FFFD}[31mia\u{FFFD}x']);
  expect(identitiesOf('User-Name = "mia\\u0000"')).toEqual(['mia']);
});

test('what turns the direction of text, or is invisible, is replaced where a radio brings it', () => {
  expect(identitiesOf('User-Name = "m\u202eia\u200b"')).toEqual(['m\u{FFFD}ia\u{FFFD}']);
});

test('a name in Latin-1 keeps its letters', () => {
  expect(identitiesOf(`User-Name = 0x${Buffer.from('zoë', 'latin1').toString('hex')}`)).toEqual(['zoë']);
});

test('after its Accounting-On, a NAS whose clock was right may have one that was never set', () => {
  const clocks = new NasClocks();
  const kindOf = (lines: string): string => {
    const attributes = parseRadiusText(`NAS-Identifier = "ap-lobby"\n${lines}`);
    const packet = decodeRequest(encodeAccountingRequest({ identifier: 1, attributes, secret }), secret);
    if (packet.type === 'rejected') throw new Error(packet.reason);
    const mapped = mapAccounting(packet, arrivedAt, { ...origin, clocks });
    return mapped.type === 'ignored' ? mapped.reason : mapped.type;
  };
  const start = 'Acct-Status-Type = Start\nCalling-Station-Id = "00-00-5E-00-53-01"\nAcct-Session-Id = "1"\n';
  const firmware = 'Event-Timestamp = 2024-05-01T00:00:00Z';
  expect(kindOf(`${start}Event-Timestamp = 2026-11-24T09:00:00Z`)).toBe('observation');
  expect(kindOf(`${start}${firmware}`)).toBe('replay');
  expect(kindOf(`Acct-Status-Type = Accounting-On\n${firmware}`)).toBe('nasReset');
  expect(kindOf(`${start}${firmware}`)).toBe('observation');
});
