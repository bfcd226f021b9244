import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { id } from '../fields.ts';
import { exportResponse, sendExport } from '../person-export.ts';
import { privacyFields, readPause, toCustomerView, type PrivacyPorts } from '../privacy-fields.ts';
import { fieldProblem, notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { customerSchema } from './customers.ts';
import { getCustomer, putCustomer } from '../../identity/customers.ts';
import type { Registry } from '../../identity/registry.ts';

/** These calls are about the one whose token it is. */
const member = allow('member');

export function addMyPrivacy(app: Routes, ports: PrivacyPorts & { readonly registry: Registry }): void {
  const { registry, privacy } = ports;

  app.route({
    method: 'PATCH',
    url: '/v1/me',
    config: { access: member, audit: 'me.change', failures: [404, 409, 503] },
    schema: {
      summary: 'Changes what I have chosen about myself; what is left out stays',
      tags: ['me'],
      body: z.strictObject({
        optedIn: z.boolean().optional().describe('Whether the Wi-Fi may check me in; false checks me out now'),
        ...privacyFields,
      }),
      response: { 200: customerSchema },
    },
    handler: async (request) => {
      const customerId = ownerOf(request);
      const { pausedUntil: asked, ...choices } = request.body;
      const now = registry.clock.now();
      const before = await getCustomer(registry.db, customerId);
      if (before === undefined) throw notFound('customer');
      const pausedUntil = await readPause(ports, customerId, asked, now);
      const { customer } = await putCustomer(registry, customerId, { name: before.name, ...choices, pausedUntil });
      if (!privacy.isTracked(customerId)) await privacy.withdraw(customerId);
      return toCustomerView(customer, now);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/me/export',
    exposeHeadRoute: false,
    config: { access: member, audit: 'me.export', failures: [404] },
    schema: {
      summary: 'Everything that is held of me; as a table with Accept: text/csv',
      tags: ['me'],
      response: { 200: exportResponse },
    },
    handler: async (request, reply) => {
      const { exportPerson } = privacy;
      const customerId = ownerOf(request);
      return await sendExport(request, reply, { customerId, exportPerson, now: registry.clock.now() });
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/me',
    config: { access: member, audit: 'me.erased', failures: [404, 503] },
    schema: {
      summary: 'Erases me; answers when nothing of me is left, this token neither',
      tags: ['me'],
      querystring: z.strictObject({ confirm: id.optional().describe('My id, so that it does not happen by a slip') }),
      response: { 204: z.undefined().describe('Nothing is left') },
    },
    handler: async (request, reply) => {
      const customerId = ownerOf(request);
      if (request.query.confirm !== customerId) {
        throw fieldProblem(400, 'notConfirmed', 'confirm', 'must be your own customer id: this cannot be undone');
      }
      if (!(await privacy.erase(customerId))) throw notFound('customer');
      return reply.code(204).send();
    },
  });
}

function ownerOf(request: FastifyRequest): string {
  const { customerId } = callerOf(request);
  if (customerId === undefined) throw notFound('customer of this token');
  return customerId;
}
