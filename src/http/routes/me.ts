import { z } from 'zod';
import type { OwnPresence } from '../../checkins/own-presence.ts';
import { countDevices } from '../../identity/count-devices.ts';
import { getCustomer } from '../../identity/customers.ts';
import type { Registry } from '../../identity/registry.ts';
import { allow } from '../access.ts';
import { callerOf, memberOf } from '../auth.ts';
import { instant } from '../fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { spacesFor, type SpaceCatalog } from '../space-access.ts';
import { ignoredBecause, whySchema, type WhyPorts } from './why.ts';

export type MePorts = {
  readonly registry: Registry;
  readonly spaces: SpaceCatalog;
  readonly why: WhyPorts['why'];
  readonly ownPresence: (customerId: string) => Promise<OwnPresence>;
};

const meSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    identities: z.int().describe('By how many names the network knows them'),
    optedIn: z.boolean().nullable().describe('Whether they agreed to Wi-Fi check-in; null while they did not say'),
    devices: z.int().describe('How many they have registered'),
    presence: z
      .array(
        z.object({
          spaceId: z.string(),
          since: instant,
          lastActivityAt: instant,
          seen: z.boolean().describe('False while the network can not say whether they are here'),
        }),
      )
      .readonly()
      .describe('Where they are checked in now'),
  })
  .meta({ id: 'Me' });

export function addMe(app: Routes, { registry, spaces, why, ownPresence }: MePorts): void {
  app.route({
    method: 'GET',
    url: '/v1/me',
    config: { access: allow('member'), audit: 'me.read', failures: [404] },
    schema: {
      summary: 'The member whose token this is, and where they are',
      tags: ['me'],
      response: { 200: meSchema },
    },
    handler: async (request) => {
      const customerId = memberOf(request);
      const [customer, devices, presence] = await Promise.all([
        getCustomer(registry.db, customerId),
        countDevices(registry.db, customerId),
        ownPresence(customerId),
      ]);
      if (customer === undefined) throw notFound('customer');
      const { id, name, identities, optedIn } = customer;
      return { id, name, optedIn, devices, identities: identities.length, presence: presence.spaces };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/me/why',
    config: { access: allow('member'), audit: 'me.why', failures: [404] },
    schema: {
      summary: 'Why the member is, or is not, checked in',
      description: 'What was observed of their devices, which rule fired, and what is due when.',
      tags: ['me'],
      querystring: z.strictObject({ at: instant.optional().describe('Another moment; now when left out') }),
      response: { 200: whySchema },
    },
    handler: async (request) => {
      const customer = await getCustomer(registry.db, memberOf(request));
      if (customer === undefined) throw notFound('customer');
      const spaceIds = spacesFor(callerOf(request), spaces, undefined).map(({ id }) => id);
      const found = await why({ customerId: customer.id }, { at: request.query.at, spaceIds });
      return { ...found, spaces: [...found.spaces], counts: ignoredBecause(customer, null, registry.clock.now()) };
    },
  });
}
