import { z } from 'zod';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, listOf, page } from '../fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { spacesFor, type SpaceCatalog } from '../space-access.ts';

export type SpacePorts = { readonly spaces: SpaceCatalog };

const spaceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    timeZone: z.string().describe('IANA time zone; the days of the space begin and end by it'),
    idleTimeout: z.string().describe('How long someone must go unseen before they are checked out, e.g. `15m`'),
    settle: z.string().describe('How long a device must stay before its arrival counts'),
    ssids: z.array(z.string()).readonly().nullable().describe('The SSIDs that count; null for every one'),
    methods: z.array(z.string()).readonly(),
    requirePass: z.boolean(),
    readOnly: z.boolean().describe('Whether it comes from the configuration file, and is changed only there'),
  })
  .meta({ id: 'Space' });

export function addSpaces(app: Routes, { spaces }: SpacePorts): void {
  const config = {
    access: allow('frontdesk', 'viewer', 'platform', 'kiosk', 'reader'),
    audit: { none: 'it names nobody' },
  };
  app.route({
    method: 'GET',
    url: '/v1/spaces',
    config,
    schema: {
      summary: 'The spaces',
      tags: ['spaces'],
      querystring: z.strictObject(page),
      response: { 200: listOf(spaceSchema) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(z.string(), cursor) ?? '';
      const rows = spacesFor(callerOf(request), spaces, undefined)
        .filter((space) => space.id > after)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return toPage(rows, limit, (space) => space.id);
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/spaces/:id',
    config,
    schema: {
      summary: 'One space',
      tags: ['spaces'],
      params: z.strictObject({ id }),
      response: { 200: spaceSchema },
    },
    handler: async (request) => {
      const space = spacesFor(callerOf(request), spaces, undefined).find((each) => each.id === request.params.id);
      if (space === undefined) throw notFound('space');
      return space;
    },
  });
}
