import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { formatYaml, printableConfig } from '../../src/config/print.ts';
import type { ConfigInput } from '../../src/config/schema.ts';

const file = new URL('../../fixtures/config/good.every-key.yaml', import.meta.url).pathname;
const environment = { AP_SECRET: 'from-the-environment', REDIS_PASSWORD: 'hunter2' };
const { config } = loadConfig({ file, environment, workingDir: '/' });

test('what is printed speaks the language of the file, and is complete', () => {
  const printed = parse(formatYaml(config));
  expect(printed).toEqual(printableConfig(config));
  expect(printed).toMatchObject({
    http: { listen: '[::1]:8443' },
    spaces: [
      { idleTimeout: '90s', settle: '250ms' },
      { id: 'annex@2', rejoin: '1h', requirePass: true },
    ],
    sources: [
      { listen: '127.0.0.1:18130' },
      {},
      { file: expect.stringMatching(/\/dnsmasq\.leases$/), poll: '30s' },
      { id: 'portal', secret: '[redacted]' },
    ],
    lateWindow: '7d',
  });
});

test('what is printed is itself a valid configuration that says the same', () => {
  const printed = withSigningSecrets(printableConfig(config));
  expect(withSigningSecrets(printableConfig(parseConfig(printed)))).toEqual(printed);
});

/** Nothing is signed with `[redacted]`, so there whoever uses what was printed is asked for the secret. */
function withSigningSecrets(printed: ConfigInput): ConfigInput {
  const secret = `whsec_${'A'.repeat(32)}`;
  const sources = printed.sources?.map((source) =>
    source.type === 'push' ? { ...source, secret, previousSecret: secret } : source,
  );
  return { ...printed, ...(sources && { sources }) };
}

test('no secret is printed, whether it came from the file, the environment or another file', () => {
  const printed = formatYaml(config) + JSON.stringify(config);
  for (const secret of [
    'hunter2',
    'p%40ss',
    'from-the-environment',
    'an-admin-token',
    'a literal',
    'another-long',
    'whsec',
  ]) {
    expect(printed).not.toContain(secret);
  }
  expect(printed).toContain('[redacted]');
});
