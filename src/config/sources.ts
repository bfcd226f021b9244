import { z } from 'zod';
import { addressRange, duration, id, listen, secret, text, webhookSecret } from './fields.ts';
import { unknownNameMessage } from './nearest-name.ts';
import { notAvailable, section } from './section.ts';

/** The source types of this version. A new one here is a compile error in every catalogue that lacks its entry. */
export type SourceType = 'radius' | 'dhcp' | 'push';

/** The types that are described for later versions, so that naming one gets a better answer than a guess at a typing error. */
const laterSourceTypes = new Set(['unifi', 'meraki', 'arp', 'syslog', 'snmp']);

/** Where a source listens that says nothing about it. */
export const defaultListens: Readonly<Record<string, string>> & { readonly radius: string } = {
  radius: '0.0.0.0:1813',
};

const radiusClientSchema = section({
  address: addressRange().describe('Address or address range that the access points or controllers send from.'),
  secret: secret().describe('Shared secret; 16 random characters or more.'),
  previousSecret: secret().optional().describe('The secret before this one, still accepted during a change.'),
  space: id().optional().describe("Space these access points are in; the source's space when left out."),
  reportingInterval: duration({ minMs: 1000 })
    .optional()
    .describe('How often they send interim updates, where it is known; learned otherwise.'),
  requireMessageAuthenticator: z
    .boolean()
    .default(false)
    .describe('Discard requests that carry no Message-Authenticator.'),
});

/** Lease files that are described for later versions. */
const laterFormats = new Set(['isc', 'kea']);

const sourceSchemas = {
  radius: section({
    id: id().describe('Name of the source in calls, events and metrics.'),
    type: z.literal('radius').describe('RADIUS accounting from access points and controllers.'),
    space: id().describe('Space of the clients that name none.'),
    listen: listen().prefault(defaultListens.radius).describe('UDP address and port.'),
    clients: z.array(radiusClientSchema).min(1).describe('Who may send; the longest matching range applies.'),
  }),
  dhcp: section(
    {
      id: id().describe('Name of the source in calls, events and metrics.'),
      type: z.literal('dhcp').describe('The leases of a DHCP server.'),
      space: id().describe('Space of the devices that have them.'),
      format: z
        .enum(['dnsmasq'], {
          error: ({ input }) =>
            typeof input === 'string' && laterFormats.has(input)
              ? `the format "${input}" ${notAvailable}`
              : 'must be dnsmasq',
        })
        .describe('Whose lease file it is.'),
      file: text().describe('The lease file, which is followed as it changes.'),
      poll: duration({ minMs: 100 })
        .prefault('10s')
        .describe('How often the file is looked at, where the system does not tell of a change.'),
    },
    ['url', 'listen'],
  ),
  push: section({
    id: id().describe('Name of the source in calls, events and metrics.'),
    type: z
      .literal('push')
      .describe('Observations that others send to POST /v1/observations: a portal, a script, an agent.'),
    space: id().describe('Space of everything that is sent.'),
    secret: webhookSecret()
      .optional()
      .describe('Take only batches that are signed with it (Standard Webhooks); with a platform token when left out.'),
    previousSecret: webhookSecret().optional().describe('The secret before this one, still accepted during a change.'),
  }),
} satisfies {
  readonly [Type in SourceType]: z.ZodType<{ readonly id: string; readonly type: Type; readonly space: string }>;
};

export const sourceTypes = Object.keys(sourceSchemas) as SourceType[];

export const sourceSchema = z.discriminatedUnion(
  'type',
  [sourceSchemas.radius, sourceSchemas.dhcp, sourceSchemas.push],
  {
    error: ({ input }) => {
      const type = (input as { type?: unknown } | undefined)?.type;
      if (typeof type !== 'string') return `must be one of ${sourceTypes.join(', ')}`;
      return laterSourceTypes.has(type)
        ? `the source type "${type}" ${notAvailable}`
        : unknownNameMessage('source type', type, sourceTypes);
    },
  },
);
