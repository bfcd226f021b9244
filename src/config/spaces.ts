import { z } from 'zod';
import { identityKinds } from '../observation/identity.ts';
import { duration, id, text } from './fields.ts';
import { section } from './section.ts';

export const checkInMethods = ['wifi', 'admin', 'pin', 'app', 'card', 'door'] as const;

const identitiesSchema = section({
  order: z
    .array(z.enum(identityKinds))
    .min(1)
    .default([...identityKinds])
    .describe('Which identities count, best evidence first; those left out count for nothing.'),
  stripRealms: z
    .union([z.literal('all'), z.array(text().toLowerCase())], { error: 'must be all, or a list of realms' })
    .default([])
    .describe('Realms without which a name is looked for too: all, or a list such as [example.org].'),
  onConflict: z
    .enum(['identity', 'device'])
    .default('identity')
    .describe('For whom a device counts that is registered to one customer while the network authenticated another.'),
  caseSensitive: z.boolean().default(false).describe('Only the registered spelling of an identity is the person.'),
});

/** One space: where people check in. The same schema serves the file and, later, `PUT /v1/spaces/{id}`. */
export const spaceSchema = section(
  {
    id: id().describe('Name of the space in calls, events and metrics.'),
    name: text().max(200).optional().describe('What people call the space; the id when left out.'),
    timeZone: z
      .string()
      .refine(isTimeZone, { error: ({ input }) => `"${String(input)}" is not an IANA time zone such as Europe/Lisbon` })
      .default('UTC')
      .describe('IANA time zone of the space; its days begin and end by it.'),
    idleTimeout: duration({ minMs: 1000 })
      .prefault('15m')
      .describe('How long someone must go unseen before they are checked out.'),
    settle: duration().prefault('0s').describe('How long a device must stay before its arrival counts.'),
    rejoin: duration()
      .prefault('60m')
      .describe('Activity again in the same accounting session within this time reopens the visit.'),
    maxBlind: duration({ minMs: 1000 })
      .prefault('2h')
      .describe('How long an open visit may wait for a source that sees nothing, before it is closed.'),
    ssids: z.array(text().max(32)).min(1).optional().describe('The SSIDs that count; every one when left out.'),
    methods: z
      .array(z.enum(checkInMethods))
      .min(1)
      .default([...checkInMethods])
      .describe('The ways to check in that this space uses.'),
    identities: identitiesSchema.prefault({}).describe('What is made of the names that the network authenticated.'),
    requirePass: z.boolean().default(true).describe('Whether checking in takes a valid pass.'),
  },
  ['openingHours', 'cutOff', 'capacity'],
);

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    // Intl has no way of asking, but for trying.
    return false;
  }
}
