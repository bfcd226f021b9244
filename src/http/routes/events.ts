import { z } from 'zod';
import { asksFor } from '../accept.ts';
import { allow, seesSpace, type Caller } from '../access.ts';
import { bearerToken, callerOf, type FindCaller } from '../auth.ts';
import { EventStreams, type StreamFeed, type StreamLimits } from '../event-streams.ts';
import { limit } from '../fields.ts';
import { fieldProblem, Problem } from '../problem.ts';
import type { Routes } from '../route.ts';
import type { EventJson } from '../../outputs/event-json.ts';
import type { FeedRange } from '../../outputs/feed.ts';
import type { Logger } from '../../runtime/logger.ts';

export type EventPorts = { readonly feed: StreamFeed };

const sequence = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const eventSchema = z
  .object({
    id: z.string().describe('Stable for ever; also the webhook-id'),
    sequence: z.int().describe('Gapless'),
    type: z.string(),
    timestamp: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });

const querystring = z.strictObject({
  after: sequence.optional().describe('The sequence of the last event that is known already'),
  cursor: sequence.optional().describe('The same as `after`, as every list names it'),
  limit,
});

export function addEvents(
  app: Routes,
  { feed }: EventPorts,
  {
    log,
    findCaller,
    limits,
  }: { readonly log: Logger; readonly findCaller: FindCaller; readonly limits: StreamLimits | undefined },
): void {
  const streams = new EventStreams(feed, log, limits);
  app.addHook('preClose', async () => streams.closeAll());

  app.route({
    method: 'GET',
    url: '/v1/events',
    // A stream has no end, so there is no length to ask for.
    exposeHeadRoute: false,
    config: {
      access: allow('platform', 'frontdesk', 'viewer'),
      audit: { none: 'consumers read it all day, event by event; the log would say nothing but that' },
      failures: [409, 410, 503],
    },
    schema: {
      summary: 'What happened, in order; as a stream with Accept: text/event-stream',
      description:
        'As JSON: the events after a sequence, oldest first; `nextCursor` is null when there are no more yet. As a stream (server-sent events): `id` is the sequence, `event` the type, `data` the event; it begins after `Last-Event-ID` or `after`, and without either with what happens next. Events are kept for `retention.events`; a cursor from before that is a 410.',
      tags: ['events'],
      querystring,
      response: {
        200: {
          description: 'Events, oldest first',
          content: {
            'application/json': {
              schema: z.object({ items: z.array(eventSchema), nextCursor: z.string().nullable() }),
            },
            'text/event-stream': { schema: z.string() },
          },
        },
      },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const includes = (event: EventJson) => mayRead(caller, event);
      const asked = request.query.after ?? request.query.cursor;
      // One address, two forms: caches and browsers must not take one for the other.
      void reply.header('vary', 'accept');
      if (!asksFor(request.headers.accept, 'text/event-stream')) {
        const after = asked ?? 0;
        const items = await feed.read(after, request.query.limit);
        if (items[0]?.sequence !== after + 1) await refuseUnknown(feed, after);
        return {
          items: items.filter(includes),
          nextCursor: items.length < request.query.limit ? null : String(items.at(-1)?.sequence),
        };
      }

      const after = lastEventId(request.headers['last-event-id']) ?? asked;
      const range = after === undefined ? await feed.range() : await refuseUnknown(feed, after);
      // A stream that is asked for everything begins with what there is.
      const from = after === undefined ? range.newest : Math.max(after, range.oldest - 1);
      if (streams.isFull)
        throw new Problem(503, 'tooManyStreams', 'too many event streams are open', { retryAfterMs: 5000 });
      reply.hijack();
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        // nginx would hold events back until its buffer is full.
        'x-accel-buffering': 'no',
      });
      const token = bearerToken(request) ?? '';
      streams.open(reply.raw, {
        after: from,
        includes,
        stillAllowed: async () => (await findCaller(token)) !== undefined,
      });
      return reply;
    },
  });
}

/**
 * A cursor from before a restored backup names events that do not exist; waiting for them would hide all new ones. One
 * whose next event is no longer kept has missed some, which whoever promises no gaps must say. 0 stands for all there are.
 */
async function refuseUnknown(feed: StreamFeed, after: number): Promise<FeedRange> {
  const range = await feed.range();
  const { oldest, newest: latest } = range;
  if (after > latest) {
    throw new Problem(409, 'cursorAhead', `the newest event is ${latest}, not ${after}; start again from there`, {
      errors: [{ path: 'after', message: `must be at most ${latest}` }],
      members: { latest },
    });
  }
  if (after > 0 && after < oldest - 1) {
    const detail = `events up to ${oldest - 1} were deleted because they were old; read what you missed from /v1/check-ins, then go on with after=${oldest - 1}`;
    throw new Problem(410, 'cursorTooOld', detail, {
      errors: [{ path: 'after', message: `must be at least ${oldest - 1}, or 0 for all that there are` }],
      members: { oldest, latest },
    });
  }
  return range;
}

/** Events of other spaces, and those of the whole house, do not exist for a token that belongs to spaces. */
function mayRead(caller: Caller, { data }: EventJson): boolean {
  const spaceId = data['spaceId'];
  return typeof spaceId === 'string' ? seesSpace(caller, spaceId) : caller.spaceIds === undefined;
}

/** Browsers send the header empty when no id has come yet. */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const parsed = sequence.safeParse(header);
  if (!parsed.success) throw fieldProblem(400, 'invalidRequest', 'Last-Event-ID', 'must be the sequence of an event');
  return parsed.data;
}
