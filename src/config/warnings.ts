import ipaddr from 'ipaddr.js';
import { isLoopback } from './listen.ts';
import type { Problem } from './problem.ts';
import type { Config, HttpConfig, RadiusSourceConfig } from './schema.ts';
import type { Secret } from './secret.ts';

/** What works and is likely not meant: said at start and by `config check`, and never a reason to stop. */
export function configWarnings(config: Config): readonly Problem[] {
  return [
    ...(config.spaces.length === 0 ? [{ path: 'spaces', message: 'there is none, so nobody can check in' }] : []),
    ...(config.sources.length === 0 ? [{ path: 'sources', message: 'there is none, so nobody is seen' }] : []),
    ...httpWarnings(config.http),
    ...config.sources.flatMap((source, index) =>
      source.type === 'radius' ? radiusWarnings(source, `sources[${index}]`) : [],
    ),
  ];
}

function httpWarnings(http: HttpConfig): readonly Problem[] {
  const warnings: Problem[] = [];
  if (!isLoopback(http.listen) && http.tls === undefined && http.trustProxy.length === 0) {
    const message = 'other machines reach the pages over plain HTTP; set http.tls, or put a proxy with TLS in front';
    warnings.push({ path: 'http.listen', message });
  }
  if (http.adminToken !== undefined && isWeak(http.adminToken)) {
    warnings.push({ path: 'http.adminToken', message: weakMessage });
  }
  return warnings;
}

function radiusWarnings(source: RadiusSourceConfig, path: string): readonly Problem[] {
  return source.clients.flatMap((client, index) => {
    const warnings: Problem[] = [];
    const clientPath = `${path}.clients[${index}]`;
    if (!isLocalRange(client.address)) {
      const message = `${client.address} reaches beyond private networks; RADIUS over UDP belongs on a network of its own`;
      warnings.push({ path: `${clientPath}.address`, message });
    }
    if (isWeak(client.secret)) warnings.push({ path: `${clientPath}.secret`, message: weakMessage });
    if (client.previousSecret !== undefined && isWeak(client.previousSecret)) {
      warnings.push({ path: `${clientPath}.previousSecret`, message: weakMessage });
    }
    return warnings;
  });
}

const weakMessage = 'is easy to guess; use 16 random characters or more';

/** Words that manuals print and attackers try first; what is left beside them must be long enough by itself. */
const knownWords = /testing123|secret|password|radius|changeme|rollcall/g;

function isWeak(secret: Secret): boolean {
  const text = secret.reveal();
  return text.length < 16 || new Set(text).size < 6 || text.toLowerCase().replaceAll(knownWords, '').length < 8;
}

/** Ranges that the internet does not route: private, link-local, loopback, shared (RFC 6598), documentation. */
const localRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '100.64.0.0/10',
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
  '2001:db8::/32',
].map((range) => ipaddr.parseCIDR(range));

function isLocalRange(range: string): boolean {
  const [address, length] = ipaddr.parseCIDR(range);
  return localRanges.some(
    ([local, localLength]) =>
      local.kind() === address.kind() && length >= localLength && address.match(local, localLength),
  );
}
