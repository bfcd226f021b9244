import { z } from 'zod';
import { addressRange, connectionUrl, duration, listen, secret, text } from './fields.ts';
import { retentionSchema } from './retention.ts';
import type { Secret } from './secret.ts';
import { section } from './section.ts';
import type { SourceType } from './sources.ts';
import { sourceSchema } from './sources.ts';
import { spaceSchema } from './spaces.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const httpSchema = section({
  listen: listen().prefault('127.0.0.1:8080').describe('TCP address and port of the pages and the API.'),
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' })
    .optional()
    .describe('The address people use, when a proxy stands in front.'),
  adminToken: secret().optional().describe('A bearer token with the role admin.'),
  tls: section({
    certFile: text().describe('Certificate chain, PEM; read again when it changes.'),
    keyFile: text().describe('Private key, PEM.'),
  })
    .optional()
    .describe('Serve HTTPS with this certificate.'),
  trustProxy: z
    .array(addressRange())
    .default([])
    .describe("Proxies whose X-Forwarded-For is believed; nobody's when empty."),
  allowInsecure: z.boolean().default(false).describe('Allow signing in over plain HTTP from other machines.'),
});

const privacySchema = section({
  optIn: z
    .enum(['assumed', 'required'])
    .default('assumed')
    .describe('Whether a customer who said nothing has opted in.'),
});

const devicesSchema = section({
  quota: z
    .int()
    .min(1)
    .optional()
    .describe('How many devices one customer may have; as many as they like when left out.'),
  learn: z.boolean().default(true).describe('Register what the network shows under the identity of a customer.'),
  retireAfter: duration()
    .prefault('24h')
    .describe('How long an address that a phone made up stays known after the phone has gone on to another.'),
});

/** The whole of `rollcall.yaml`: shape, defaults and one sentence for each field. */
export const configSchema = section(
  {
    dataDir: text().default('./data').describe('Where everything is kept that must survive a restart.'),
    keyFile: text().optional().describe('The master key; dataDir/keys/master.key when left out.'),
    redisUrl: connectionUrl('redis', 'rediss')
      .optional()
      .describe('Redis server, or any node of a Redis Cluster; a private server inside dataDir when left out.'),
    databaseUrl: connectionUrl('postgres', 'postgresql')
      .optional()
      .describe('PostgreSQL database; SQLite inside dataDir when left out.'),
    http: httpSchema.prefault({}).describe('The pages and the API.'),
    spaces: z.array(spaceSchema).default([]).describe('The spaces people check in to.'),
    sources: z.array(sourceSchema).default([]).describe('What tells us who is on the network.'),
    devices: devicesSchema.prefault({}).describe('What is registered.'),
    privacy: privacySchema.prefault({}).describe('What is assumed about consent.'),
    retention: retentionSchema.prefault({}).describe('After what time each kind of data is deleted.'),
    logLevel: z.enum(logLevels).default('info').describe('How much is logged.'),
    maxBacklog: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('How many transitions may wait for the database before reports go unanswered.'),
    lateWindow: duration({ minMs: 1000 })
      .prefault('24h')
      .describe('How old a report may be and still change what is recorded.'),
  },
  ['doors', 'webhooks', 'mqtt'],
);

/** The configuration as the service holds it: checked, complete and frozen. Durations are milliseconds. */
export type Config = Frozen<z.output<typeof configSchema>>;
export type HttpConfig = Config['http'];
export type SpaceConfig = Config['spaces'][number];
export type SourceConfig = Config['sources'][number];
export type SourceConfigOf<Type extends SourceType> = Extract<SourceConfig, { readonly type: Type }>;
export type RadiusSourceConfig = SourceConfigOf<'radius'>;
export type DhcpSourceConfig = SourceConfigOf<'dhcp'>;
export type PushSourceConfig = SourceConfigOf<'push'>;
export type RadiusClientConfig = RadiusSourceConfig['clients'][number];

/** The sources that access points send to. */
export function radiusSources({ sources }: Config): readonly RadiusSourceConfig[] {
  return sources.filter((source) => source.type === 'radius');
}

/** What a file may hold, before defaults; secrets are text. */
export type ConfigInput = z.input<typeof configSchema>;

/** Read-only all the way down. A key that may be left out is absent, not undefined: a file cannot say undefined. */
type Frozen<T> = T extends Secret | string | number | boolean
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Frozen<Item>[]
    : { readonly [Key in keyof T]: Frozen<Exclude<T[Key], undefined>> };
