import { z } from 'zod';
import { allow, seesSpace } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { instant, listOf, page } from '../fields.ts';
import type { Routes } from '../route.ts';

/** A source as callers see it. Instants are epoch milliseconds. */
export type SourceView = {
  readonly id: string;
  readonly type: string;
  readonly spaceId: string;
  readonly state: 'up' | 'down' | 'starting';
  readonly since: number;
  readonly lastObservationAt: number | null;
  readonly observations: number;
  /** What it can tell: that a device joined, that it was active, or how much it sent. */
  readonly precision: 'associated' | 'active' | 'bytes';
  readonly problem?: string;
  readonly readOnly: boolean;
};

export type SourcePorts = { readonly sources: () => readonly SourceView[] };

const sourceSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    spaceId: z.string(),
    state: z.enum(['up', 'down', 'starting']),
    since: instant,
    lastObservationAt: instant.nullable(),
    observations: z.int().describe('How many since the start'),
    precision: z.enum(['associated', 'active', 'bytes']).describe('The finest thing it can tell about a device'),
    problem: z.string().optional().describe('What is wrong, and what to do'),
    readOnly: z.boolean().describe('Whether it comes from the configuration file, and is changed only there'),
  })
  .meta({ id: 'Source' });

export function addSources(app: Routes, { sources }: SourcePorts): void {
  app.route({
    method: 'GET',
    url: '/v1/sources',
    config: { access: allow('frontdesk', 'viewer', 'platform'), audit: { none: 'it names nobody' } },
    schema: {
      summary: 'What tells us who is on the network, and whether each source works',
      tags: ['sources'],
      querystring: z.strictObject(page),
      response: { 200: listOf(sourceSchema) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const caller = callerOf(request);
      const after = decodeCursor(z.string(), cursor) ?? '';
      const rows = sources()
        .filter((source) => seesSpace(caller, source.spaceId) && source.id > after)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return toPage(rows, limit, (source) => source.id);
    },
  });
}
