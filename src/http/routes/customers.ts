import { z } from 'zod';
import { allow } from '../access.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, line, listOf, page } from '../fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { getCustomer, listCustomers, putCustomer } from '../../identity/customers.ts';
import type { Registry } from '../../identity/registry.ts';

const identity = line(253);

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
  name: line(200),
  email: z.email('is not an e-mail address').max(254).nullish(),
  identities: z
    .array(identity)
    .max(50)
    .optional()
    .describe('Names by which the network authenticates the customer; a device seen under one counts as theirs'),
  active: z.boolean().optional().describe('An inactive customer is never checked in; active when never said'),
  optedIn: z.boolean().nullish().describe('Whether the customer agreed to Wi-Fi check-in; null takes it back'),
});

export function addCustomers(app: Routes, registry: Registry): void {
  const { db } = registry;
  const params = z.strictObject({ id });

  app.route({
    method: 'PUT',
    url: '/v1/customers/:id',
    config: { access: allow('platform'), audit: 'customer.put', failures: [409] },
    schema: {
      summary: 'Makes or changes a customer',
      description: 'What is left out stays as it is, so that one system does not undo what another has set.',
      tags: ['customers'],
      params,
      body: fieldsSchema,
      response: { 200: customerSchema, 201: customerSchema },
    },
    handler: async (request, reply) => {
      const { customer, created } = await putCustomer(registry, request.params.id, request.body);
      return reply.code(created ? 201 : 200).send(customer);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers/:id',
    config: { access: allow('platform', 'frontdesk', 'viewer'), audit: 'customer.read' },
    schema: { summary: 'One customer', tags: ['customers'], params, response: { 200: customerSchema } },
    handler: async (request) => {
      const customer = await getCustomer(db, request.params.id);
      if (customer === undefined) throw notFound('customer');
      return customer;
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers',
    config: { access: allow('platform', 'frontdesk', 'viewer'), audit: 'customer.list' },
    schema: {
      summary: 'Customers, by id',
      tags: ['customers'],
      querystring: z.strictObject(page),
      response: { 200: listOf(customerSchema) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const rows = await listCustomers(db, { limit: limit + 1, after: decodeCursor(z.string(), cursor) });
      return toPage(rows, limit, (customer) => customer.id);
    },
  });
}
