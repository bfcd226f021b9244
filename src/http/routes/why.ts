import { z } from 'zod';
import type { Why } from '../../checkins/why.ts';
import { getCustomer } from '../../identity/customers.ts';
import { getDevice } from '../../identity/devices.ts';
import type { Registry } from '../../identity/registry.ts';
import { runKinds } from '../../presence/transition.ts';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { id, instant } from '../fields.ts';
import { macField } from '../mac-field.ts';
import { fieldProblem, notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { spacesFor, unknownCustomer, type SpaceCatalog } from '../space-access.ts';

export type WhyPorts = {
  readonly registry: Registry;
  readonly spaces: SpaceCatalog;
  readonly why: (
    who: { readonly customerId: string; readonly deviceId?: string | undefined },
    options: { readonly at?: number | undefined; readonly spaceIds: readonly string[] },
  ) => Promise<Why>;
};

const clause = z.object({
  code: z.string().describe('Stable, for programs'),
  at: instant,
  text: z.string().describe('One sentence for people'),
});

export const whySchema = z
  .object({
    customerId: z.string(),
    at: instant,
    counts: z
      .string()
      .nullable()
      .describe('Why observations of this customer or device move nothing; null when they count'),
    spaces: z.array(
      z.object({
        spaceId: z.string(),
        isIn: z.boolean(),
        dueAt: instant.nullable().describe('When idleness would check out; null while nothing is due'),
        seen: z.boolean().describe('False while the network can not say whether the person is here'),
        decisions: z
          .array(clause)
          .readonly()
          .describe('The rule that holds, and what was decided before, newest first'),
        observed: z
          .array(
            z.object({
              deviceId: z.string(),
              kind: z.enum(runKinds),
              firstAt: instant,
              lastAt: instant,
              count: z.int(),
              text: z.string(),
            }),
          )
          .readonly()
          .describe('Reports of one kind in a row, newest first; at most 64 runs a device'),
      }),
    ),
  })
  .meta({ id: 'Why' });

export function addWhy(app: Routes, { registry, spaces, why }: WhyPorts): void {
  app.route({
    method: 'GET',
    url: '/v1/why',
    config: { access: allow('frontdesk', 'viewer', 'platform'), audit: 'why.read' },
    schema: {
      summary: 'Why somebody is, or is not, checked in',
      description: 'What was observed of a customer or of one device, which rule fired, and what is due when.',
      tags: ['presence'],
      querystring: z.strictObject({
        customerId: id.optional().describe('Either this'),
        mac: macField.optional().describe('or this'),
        spaceId: id.optional(),
        at: instant.optional().describe('Another moment; now when left out'),
      }),
      response: { 200: whySchema },
    },
    handler: async (request) => {
      const { customerId, mac, spaceId, at } = request.query;
      if ((customerId === undefined) === (mac === undefined)) {
        throw fieldProblem(400, 'invalidRequest', 'customerId', 'give either a customerId or a mac');
      }
      const visible = spacesFor(callerOf(request), spaces, spaceId).map((space) => space.id);
      const device = mac === undefined ? undefined : await getDevice(registry, mac);
      if (mac !== undefined && device === undefined) throw notFound('registered device of this address');
      const customer = await getCustomer(registry.db, device?.customerId ?? customerId ?? '');
      if (customer === undefined) throw unknownCustomer('customerId');
      const found = await why({ customerId: customer.id, deviceId: device?.id }, { at, spaceIds: visible });
      return {
        ...found,
        spaces: [...found.spaces],
        counts: ignoredBecause(customer, device?.class ?? null, registry.clock.now()),
      };
    },
  });
}

export function ignoredBecause(
  customer: { readonly optedIn?: boolean | null; readonly pausedUntil: number | null },
  deviceClass: string | null,
  now: number,
): string | null {
  if (customer.optedIn === false) return 'the customer has not opted in to presence';
  if ((customer.pausedUntil ?? 0) > now) return 'the customer has paused being seen';
  if (deviceClass === 'stationary') return 'a device of the class "stationary" stays in the house and keeps nobody in';
  return null;
}
