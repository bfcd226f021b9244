import { z } from 'zod';
import { auditActions, auditOutcomes } from '../../identity/audit-actions.ts';
import { listAudit } from '../../identity/audit-list.ts';
import type { Registry } from '../../identity/registry.ts';
import { allow } from '../access.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, line, listOf, page } from '../fields.ts';
import type { Routes } from '../route.ts';

const auditSchema = z
  .object({
    sequence: z.int().describe('Gapless; `rollcall audit verify` checks that no line was changed or removed'),
    at: instant,
    actor: z
      .string()
      .describe(
        'Id of a token; `config` for the token of the configuration, `console` for a command, `system` for a call without a token',
      ),
    actorRole: z.string(),
    action: z.string(),
    subject: z.string().nullable().describe('Pseudonym of a customer, the same for ever'),
    customerId: z.string().nullable().describe('Whom it stands for; null once they were erased'),
    objectId: z.string().nullable().describe('Of a device, a pass, a check-in or a token'),
    spaceId: z.string().nullable(),
    outcome: z.enum(auditOutcomes),
    details: z.record(z.string(), z.unknown()).nullable().describe('What was given; gone with the customer'),
  })
  .meta({ id: 'AuditLine' });

export function addAuditLog(app: Routes, registry: Registry): void {
  app.route({
    method: 'GET',
    url: '/v1/audit',
    config: { access: allow(), audit: 'audit.read' },
    schema: {
      summary: 'Who changed or looked up what, newest first',
      tags: ['audit'],
      querystring: z.strictObject({
        customerId: id.optional().describe('About this customer; of an erased one too'),
        actor: line(128).optional(),
        action: z.enum(auditActions).optional(),
        from: instant.optional().describe('At or after'),
        to: instant.optional().describe('Before'),
        ...page,
      }),
      response: { 200: listOf(auditSchema) },
    },
    handler: async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const rows = await listAudit(registry, filter, { limit: limit + 1, before: decodeCursor(z.int(), cursor) });
      return toPage(rows, limit, ({ sequence }) => sequence);
    },
  });
}
