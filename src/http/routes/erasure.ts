import { z } from 'zod';
import { allow } from '../access.ts';
import { id } from '../fields.ts';
import { exportResponse, sendExport } from '../person-export.ts';
import type { PrivacyPorts } from '../privacy-fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import type { Registry } from '../../identity/registry.ts';

export function addErasure(app: Routes, { registry, privacy }: PrivacyPorts & { readonly registry: Registry }): void {
  const params = z.strictObject({ id });

  app.route({
    method: 'DELETE',
    url: '/v1/customers/:id',
    config: { access: allow('platform'), audit: 'customer.erased', failures: [503] },
    schema: {
      summary: 'Erases a customer; answers when nothing of them is left',
      description:
        'Whoever is in is checked out (`erased`). Check-ins stay as counts that are nobody’s, past events lose the person, `customer.erased` tells who it was. It is finished by itself, also after a crash; a repeat while it is at work waits for the same end.',
      tags: ['customers'],
      params,
      response: { 204: z.undefined().describe('Nothing of the customer is left') },
    },
    handler: async (request, reply) => {
      if (!(await privacy.erase(request.params.id))) throw notFound('customer');
      return reply.code(204).send();
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers/:id/export',
    exposeHeadRoute: false,
    config: { access: allow('platform'), audit: 'customer.export' },
    schema: {
      summary: 'Everything that is held of a customer; as a table with Accept: text/csv',
      tags: ['customers'],
      params,
      response: { 200: exportResponse },
    },
    handler: async (request, reply) => {
      const { exportPerson } = privacy;
      return await sendExport(request, reply, {
        customerId: request.params.id,
        exportPerson,
        now: registry.clock.now(),
      });
    },
  });
}
