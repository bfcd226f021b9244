import { z } from 'zod';
import { allow } from '../access.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, listOf, page } from '../fields.ts';
import { fieldProblem, notFound } from '../problem.ts';
import type { Routes } from '../route.ts';

/** A customer as the registry holds it. Instants are epoch milliseconds. */
export type CustomerRecord = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly identities: readonly string[];
  readonly active: boolean;
  /** Null while nobody said; then `privacy.optIn` of the configuration decides. */
  readonly optedIn: boolean | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type CustomerFields = Pick<CustomerRecord, 'name' | 'email' | 'identities' | 'active' | 'optedIn'>;

export type PutCustomerResult =
  | { readonly result: 'created' | 'updated'; readonly customer: CustomerRecord }
  /** An identity belongs to somebody else. */
  | { readonly result: 'identityTaken'; readonly identity: string };

export type CustomerPorts = {
  readonly customers: {
    readonly put: (customerId: string, fields: CustomerFields) => Promise<PutCustomerResult>;
    readonly get: (customerId: string) => Promise<CustomerRecord | undefined>;
    /** By id. */
    readonly list: (page: {
      readonly limit: number;
      readonly after: string | undefined;
    }) => Promise<readonly CustomerRecord[]>;
  };
};

const identity = z.string().trim().min(1).max(253);

const customerSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    identities: z.array(z.string()).readonly().describe('802.1X user names and the like; compared without case'),
    active: z.boolean(),
    optedIn: z.boolean().nullable().describe('Null while nobody said'),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Customer' });

const fieldsSchema = z.strictObject({
  name: z.string().trim().min(1, 'must not be empty').max(200),
  email: z.email('is not an e-mail address').max(254).optional(),
  identities: z
    .array(identity)
    .max(50)
    .default([])
    .describe('Names by which the network authenticates the customer; a device seen under one counts as theirs'),
  active: z.boolean().default(true).describe('An inactive customer is never checked in'),
  optedIn: z.boolean().optional().describe('Whether the customer agreed to Wi-Fi check-in'),
});

export function addCustomers(app: Routes, { customers }: CustomerPorts): void {
  const params = z.strictObject({ id });

  app.route({
    method: 'PUT',
    url: '/v1/customers/:id',
    config: { access: allow('platform'), failures: [409] },
    schema: {
      summary: 'Makes or replaces a customer; what is left out is as if never said',
      tags: ['customers'],
      params,
      body: fieldsSchema,
      response: { 200: customerSchema, 201: customerSchema },
    },
    handler: async (request, reply) => {
      const { email = null, optedIn = null, ...fields } = request.body;
      const outcome = await customers.put(request.params.id, { ...fields, email, optedIn });
      if (outcome.result === 'identityTaken') {
        const at = fields.identities.findIndex((each) => each.toLowerCase() === outcome.identity.toLowerCase());
        throw fieldProblem(409, 'identityTaken', `identities.${Math.max(0, at)}`, 'belongs to another customer');
      }
      return reply.code(outcome.result === 'created' ? 201 : 200).send(outcome.customer);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers/:id',
    config: { access: allow('platform', 'frontdesk', 'viewer') },
    schema: { summary: 'One customer', tags: ['customers'], params, response: { 200: customerSchema } },
    handler: async (request) => {
      const customer = await customers.get(request.params.id);
      if (customer === undefined) throw notFound('customer');
      return customer;
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers',
    config: { access: allow('platform', 'frontdesk', 'viewer') },
    schema: {
      summary: 'Customers, by id',
      tags: ['customers'],
      querystring: z.strictObject(page),
      response: { 200: listOf(customerSchema) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const rows = await customers.list({ limit: limit + 1, after: decodeCursor(z.string(), cursor) });
      return toPage(rows, limit, (customer) => customer.id);
    },
  });
}
