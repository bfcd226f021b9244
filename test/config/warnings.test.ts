import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { formatProblem } from '../../src/config/problem.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { configWarnings } from '../../src/config/warnings.ts';

const goodSecret = 'k7Qm2vX9pLs4Zt8wRb6n';

function warningsOf(input: ConfigInput): readonly string[] {
  return configWarnings(parseConfig({ spaces: [{ id: 'hq' }], ...input })).map(formatProblem);
}

function withClient(client: { address?: string; secret?: string; previousSecret?: string }): ConfigInput {
  const clients = [{ address: '192.0.2.0/24', secret: goodSecret, ...client }];
  return { sources: [{ id: 'aps', type: 'radius', space: 'hq', clients }] };
}

test.each([
  'testing123',
  'secret',
  'fifteen-letters',
  'testing123testing123',
  'radius-secret-password',
  'abababababababababababab',
])('the secret %s is called easy to guess', (secret) => {
  expect(warningsOf(withClient({ secret }))).toEqual([
    'sources[0].clients[0].secret: is easy to guess; use 16 random characters or more',
  ]);
  expect(warningsOf(withClient({ previousSecret: secret }))).toHaveLength(1);
});

test.each(['10.1.0.0/16', '100.64.0.0/10', 'fd00::/8', 'fe80::1', '::1', '127.0.0.1'])(
  'clients in %s are local, and nothing is said about them',
  (address) => {
    expect(warningsOf(withClient({ address }))).toEqual([]);
  },
);

test.each(['0.0.0.0/0', '10.0.0.0/7', '8.8.8.8', '::/0', '2001:4860::/32', '172.0.0.0/11'])(
  'clients in %s reach beyond private networks',
  (address) => {
    const [warning] = warningsOf(withClient({ address }));
    expect(warning).toMatch(/^sources\[0\]\.clients\[0\]\.address: .* reaches beyond private networks/);
  },
);

test('plain HTTP for other machines is warned about, unless TLS ends here or at a proxy', () => {
  const listen = '0.0.0.0:8080';
  expect(warningsOf({ ...withClient({}), http: { listen } })).toHaveLength(1);
  expect(warningsOf({ ...withClient({}), http: { listen, trustProxy: ['192.0.2.1'] } })).toEqual([]);
  expect(warningsOf({ ...withClient({}), http: { listen, tls: { certFile: 'c', keyFile: 'k' } } })).toEqual([]);
  expect(warningsOf({ ...withClient({}), http: { listen: '[::1]:8080' } })).toEqual([]);
});

test('no warning repeats the secret it is about', () => {
  expect(warningsOf(withClient({ secret: 'hunter2' })).join(' ')).not.toContain('hunter2');
});
