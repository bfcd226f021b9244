import { z } from 'zod';
import { allow } from '../access.ts';
import type { Role } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, listOf, page } from '../fields.ts';
import type { Routes } from '../route.ts';
import { spacesFor, type SpaceCatalog } from '../space-access.ts';
import type { BoardEntry } from '../../checkins/board.ts';

export type PresencePorts = {
  readonly spaces: SpaceCatalog;
  /** Who is in a space, newest arrival first. */
  readonly whoIsIn: (
    spaceId: string,
    page: { readonly limit: number; readonly after?: { readonly startedAt: number; readonly id: string } | undefined },
  ) => Promise<readonly BoardEntry[]>;
};

const presenceSchema = z
  .object({
    customerId: z.string().nullable().describe('Null for a hidden member, except to admin, frontdesk and platform'),
    customerName: z.string().describe('"Hidden member" in that case'),
    spaceId: z.string(),
    checkInId: z.string(),
    since: instant,
    lastActivityAt: instant,
    dueAt: instant.nullable().describe('When idleness would check out; null while no network sees the person'),
    seen: z.boolean().describe('False while the network can not say whether the person is here'),
    methods: z.array(z.string()).readonly(),
    deviceClasses: z.array(z.string()).readonly(),
    limitLeftMs: z.int().nullable().describe('What is left of the limit of the plan; null without a limit'),
  })
  .meta({ id: 'Presence' });

const place = z.tuple([z.string(), z.number(), z.string()]);

export function addPresence(app: Routes, { spaces, whoIsIn }: PresencePorts): void {
  app.route({
    method: 'GET',
    url: '/v1/presence',
    config: {
      access: allow('frontdesk', 'viewer', 'platform'),
      audit: { none: 'the board at the front desk asks every few seconds; it shows who is in, and nothing more' },
    },
    schema: {
      summary: 'Who is in now, by space, newest arrival first',
      tags: ['presence'],
      querystring: z.strictObject({ spaceId: id.optional(), ...page }),
      response: { 200: listOf(presenceSchema) },
    },
    handler: async (request) => {
      const { spaceId, limit, cursor } = request.query;
      const after = decodeCursor(place, cursor);
      const visible = spacesFor(callerOf(request), spaces, spaceId)
        .map((space) => space.id)
        .filter((each) => after === undefined || each >= after[0])
        .toSorted();
      const rows: BoardEntry[] = [];
      for (const each of visible) {
        const begin = after?.[0] === each ? { startedAt: after[1], id: after[2] } : undefined;
        rows.push(...(await whoIsIn(each, { limit: limit + 1 - rows.length, after: begin })));
        if (rows.length > limit) break;
      }
      const { items, nextCursor } = toPage(rows, limit, (entry) => [entry.spaceId, entry.since, entry.checkInId]);
      const { role } = callerOf(request);
      return { items: items.map((entry) => toView(entry, role)), nextCursor };
    },
  });
}

/** Plans, and with them limits, come later; the field is here already, so that nobody has to look for it twice. */
const noLimit = { limitLeftMs: null } as const;

/** Who keeps people in step, or lets them in, must know who it is. */
const seesHidden: ReadonlySet<Role> = new Set(['admin', 'frontdesk', 'platform']);

function toView({ isHidden, ...entry }: BoardEntry, role: Role): z.output<typeof presenceSchema> {
  if (!isHidden || seesHidden.has(role)) return { ...entry, ...noLimit };
  return { ...entry, ...noLimit, customerId: null, customerName: 'Hidden member', deviceClasses: [] };
}
