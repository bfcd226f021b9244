import { z } from 'zod';
import { allow } from '../access.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, listOf, opaqueId, page } from '../fields.ts';
import type { IdempotencyKeys } from '../idempotency.ts';
import { fieldProblem, notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { unknownSpace, type SpaceCatalog } from '../space-access.ts';
import { getCustomer } from '../../identity/customers.ts';
import type { Registry } from '../../identity/registry.ts';
import { addPass, getPass, listPasses, revokePass } from '../../checkins/passes.ts';

export type PassPorts = {
  readonly registry: Registry;
  readonly spaces: SpaceCatalog;
};

const kind = z.enum(['unlimited'], 'only passes of the kind "unlimited" are available in this version');

const passSchema = z
  .object({
    id: z.string(),
    customerId: z.string(),
    kind,
    validFrom: instant.nullable(),
    validUntil: instant.nullable().describe('The first moment at which it is valid no more'),
    spaceIds: z.array(z.string()).readonly().nullable().describe('Where it is valid; null for everywhere'),
    createdAt: instant,
  })
  .meta({ id: 'Pass' });

const newPassSchema = z
  .strictObject({
    kind,
    validFrom: instant.optional(),
    validUntil: instant.optional(),
    spaceIds: z.array(id).min(1).max(100).optional().describe('Where it is valid; everywhere when left out'),
  })
  .refine(
    ({ validFrom, validUntil }) => validFrom === undefined || validUntil === undefined || validFrom < validUntil,
    {
      path: ['validUntil'],
      error: 'must be later than validFrom',
    },
  );

export function addPasses(app: Routes, { registry, spaces }: PassPorts, keys: IdempotencyKeys): void {
  const { db, clock } = registry;
  const params = z.strictObject({ id });

  app.route({
    method: 'POST',
    url: '/v1/customers/:id/passes',
    config: { access: allow('platform', 'frontdesk'), audit: 'pass.create', failures: [409, 422], idempotent: true },
    schema: {
      summary: 'Gives a customer a pass',
      tags: ['passes'],
      params,
      body: newPassSchema,
      response: { 201: passSchema },
    },
    handler: async (request, reply) => {
      const { spaceIds = [] } = request.body;
      const unknown = spaceIds.findIndex((spaceId) => spaces.get(spaceId) === undefined);
      if (unknown >= 0) throw unknownSpace(`spaceIds.${unknown}`);
      const made = await keys.once(request, async () => {
        const pass = await addPass(db, clock, request.params.id, request.body);
        if (pass === undefined) throw notFound('customer');
        return { status: 201, id: pass.id };
      });
      const pass = await getPass(db, made.id);
      if (pass === undefined)
        throw fieldProblem(409, 'passRevoked', 'Idempotency-Key', 'the pass that it made was revoked');
      return reply.code(201).send(pass);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/customers/:id/passes',
    config: { access: allow('platform', 'frontdesk', 'viewer'), audit: 'pass.list' },
    schema: {
      summary: 'The passes of a customer, oldest first, without revoked ones',
      tags: ['passes'],
      params,
      querystring: z.strictObject(page),
      response: { 200: listOf(passSchema) },
    },
    handler: async (request) => {
      if ((await getCustomer(registry.db, request.params.id)) === undefined) throw notFound('customer');
      const { limit, cursor } = request.query;
      const rows = await listPasses(db, request.params.id, {
        limit: limit + 1,
        after: decodeCursor(z.string(), cursor),
      });
      return toPage(rows, limit, (pass) => pass.id);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/passes/:id',
    config: { access: allow('platform', 'frontdesk'), audit: 'pass.revoke' },
    schema: {
      summary: 'Revokes a pass; check-ins that it opened stay',
      tags: ['passes'],
      params: z.strictObject({ id: opaqueId }),
      response: { 204: z.undefined().describe('The pass is revoked') },
    },
    handler: async (request, reply) => {
      if (!(await revokePass(db, clock, request.params.id))) throw notFound('pass');
      return reply.code(204).send();
    },
  });
}
