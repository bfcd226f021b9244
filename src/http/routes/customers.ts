import { z } from 'zod';
import { allow } from '../access.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, line, listOf, page } from '../fields.ts';
import { privacyFields, readPause, toCustomerView, type PrivacyPorts } from '../privacy-fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { getCustomer, listCustomers, putCustomer } from '../../identity/customers.ts';
import type { Registry } from '../../identity/registry.ts';

const identity = line(253);

export const customerSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    identities: z.array(z.string()).readonly().describe('802.1X user names and the like; compared without case'),
    active: z.boolean(),
    optedIn: z.boolean().nullable().describe('Null while nobody said'),
    shareName: z.boolean(),
    hidden: z.boolean(),
    pausedUntil: instant.nullable().describe('Until then nothing is kept of the customer'),
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
  ...privacyFields,
});

export function addCustomers(app: Routes, ports: PrivacyPorts & { readonly registry: Registry }): void {
  const { registry, privacy } = ports;
  const { db, clock } = registry;
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
      const customerId = request.params.id;
      const { pausedUntil: asked, ...fields } = request.body;
      const now = clock.now();
      const pausedUntil = await readPause(ports, customerId, asked, now);
      const { customer, created } = await putCustomer(registry, customerId, { ...fields, pausedUntil });
      if (!created && !privacy.isTracked(customerId)) await privacy.withdraw(customerId);
      return reply.code(created ? 201 : 200).send(toCustomerView(customer, now));
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
      return toCustomerView(customer, clock.now());
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
      const { items, nextCursor } = toPage(rows, limit, (customer) => customer.id);
      const now = clock.now();
      return { items: items.map((customer) => toCustomerView(customer, now)), nextCursor };
    },
  });
}
