import { z } from 'zod';
import { allow, seesSpace, type Caller } from '../access.ts';
import { callerOf } from '../auth.ts';
import { checkInSchema, toCheckInView } from '../check-in-schema.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { id, instant, line, listOf, opaqueId, page } from '../fields.ts';
import type { IdempotencyKeys } from '../idempotency.ts';
import { fieldProblem, notFound, Problem } from '../problem.ts';
import type { Routes } from '../route.ts';
import { spacesFor, unknownCustomer, unknownSpace, type SpaceCatalog } from '../space-access.ts';
import { checkInStates, type CheckIn } from '../../checkins/check-in.ts';
import type { Ledger } from '../../checkins/ledger.ts';
import type { Clock } from '../../runtime/clock.ts';

export type CheckInPorts = {
  readonly ledger: Pick<Ledger, 'list' | 'get' | 'checkIn' | 'checkOut' | 'void'>;
  readonly spaces: SpaceCatalog;
};

const place = z.tuple([z.number(), z.string()]);
const atField = instant.optional().describe('When it happened; now when left out');

export function addCheckIns(
  app: Routes,
  { ledger, spaces }: CheckInPorts,
  { clock, keys }: { readonly clock: Clock; readonly keys: IdempotencyKeys },
): void {
  const readers = allow('frontdesk', 'viewer', 'platform');
  const params = z.strictObject({ id: opaqueId });

  /** The check-in that a call names, when its caller may know of it. */
  async function find(caller: Caller, checkInId: string): Promise<CheckIn> {
    const checkIn = await ledger.get(checkInId);
    if (checkIn === undefined || !seesSpace(caller, checkIn.spaceId)) throw notFound('check-in');
    return checkIn;
  }

  /** A time that is yet to come is a mistake of a clock or of a person; a minute is forgiven. */
  function refuseFuture(at: number | undefined): void {
    if (at !== undefined && at > clock.now() + 60_000) {
      throw fieldProblem(400, 'invalidRequest', 'at', 'lies in the future');
    }
  }

  app.route({
    method: 'GET',
    url: '/v1/check-ins',
    config: { access: readers, audit: 'checkIn.list' },
    schema: {
      summary: 'Check-ins, newest first',
      tags: ['check-ins'],
      querystring: z.strictObject({
        spaceId: id.optional(),
        customerId: id.optional(),
        state: z.enum(checkInStates).optional(),
        from: instant.optional().describe('Started at or after'),
        to: instant.optional().describe('Started before'),
        ...page,
      }),
      response: { 200: listOf(checkInSchema) },
    },
    handler: async (request) => {
      const { spaceId, limit, cursor, ...filter } = request.query;
      const caller = callerOf(request);
      if (spaceId !== undefined) spacesFor(caller, spaces, spaceId);
      const after = decodeCursor(place, cursor);
      const rows = await ledger.list(
        { ...filter, spaceId, spaceIds: caller.spaceIds },
        { limit: limit + 1, after: after && { startedAt: after[0], id: after[1] } },
      );
      const { items, nextCursor } = toPage(rows, limit, (checkIn) => [checkIn.startedAt, checkIn.id]);
      return { items: items.map(toCheckInView), nextCursor };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/check-ins/:id',
    config: { access: readers, audit: 'checkIn.read' },
    schema: { summary: 'One check-in', tags: ['check-ins'], params, response: { 200: checkInSchema } },
    handler: async (request) => toCheckInView(await find(callerOf(request), request.params.id)),
  });

  app.route({
    method: 'POST',
    url: '/v1/check-ins',
    config: { access: allow('frontdesk'), audit: 'checkIn.create', failures: [404, 409, 422], idempotent: true },
    schema: {
      summary: 'Checks someone in by hand',
      description:
        'A refusal by the rules (no pass, say) is recorded too: it answers 200 with a failed check-in. Someone who is in already is a 409 with the open check-in.',
      tags: ['check-ins'],
      body: z.strictObject({ customerId: id, spaceId: id, at: atField }),
      response: { 200: checkInSchema, 201: checkInSchema },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const caller = callerOf(request);
      refuseFuture(body.at);
      spacesFor(caller, spaces, body.spaceId);
      const made = await keys.once(request, async () => {
        const outcome = await ledger.checkIn(body, 'admin');
        switch (outcome.result) {
          case 'checkedIn':
            return { status: 201, id: outcome.checkIn.id };
          case 'failed':
            return { status: 200, id: outcome.checkIn.id };
          case 'unknownCustomer':
            throw unknownCustomer('customerId');
          case 'unknownSpace':
            throw unknownSpace('spaceId');
          case 'alreadyIn':
            throw conflict('alreadyIn', 'this customer is checked in already', outcome.checkIn);
          case 'overlaps':
            throw conflict('overlaps', 'at: this customer was still checked in then', outcome.checkIn);
          default:
            return outcome satisfies never;
        }
      });
      return reply.code(made.status as 200 | 201).send(toCheckInView(await find(caller, made.id)));
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/check-ins/:id/check-out',
    config: { access: allow('frontdesk'), audit: 'checkIn.checkOut', failures: [409] },
    schema: {
      summary: 'Checks someone out by hand',
      tags: ['check-ins'],
      params,
      body: z.strictObject({ at: atField }).nullish(),
      response: { 200: checkInSchema },
    },
    handler: async (request) => {
      const at = request.body?.at;
      refuseFuture(at);
      const { id: checkInId } = await find(callerOf(request), request.params.id);
      const outcome = await ledger.checkOut(checkInId, { at }, 'admin');
      switch (outcome.result) {
        case 'checkedOut':
          return toCheckInView(outcome.checkIn);
        case 'notOpen':
          throw conflict('notOpen', `this check-in is ${outcome.checkIn.state}`, outcome.checkIn);
        case 'beforeStart':
          throw fieldProblem(400, 'invalidRequest', 'at', 'lies before the check-in');
        case 'unknown':
          throw notFound('check-in');
        default:
          return outcome satisfies never;
      }
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/check-ins/:id/void',
    config: { access: allow('frontdesk'), audit: 'checkIn.void', failures: [409] },
    schema: {
      summary: 'Takes a check-in back as a mistake; it stays in the ledger as void',
      tags: ['check-ins'],
      params,
      body: z.strictObject({ reason: line(500).describe('Kept with the change') }),
      response: { 200: checkInSchema },
    },
    handler: async (request) => {
      const { id: checkInId } = await find(callerOf(request), request.params.id);
      const outcome = await ledger.void(checkInId, request.body.reason);
      switch (outcome.result) {
        case 'voided':
          return toCheckInView(outcome.checkIn);
        case 'alreadyVoid':
          throw conflict('alreadyVoid', 'this check-in is void already', outcome.checkIn);
        case 'unknown':
          throw notFound('check-in');
        default:
          return outcome satisfies never;
      }
    },
  });
}

function conflict(code: string, detail: string, checkIn: CheckIn): Problem {
  return new Problem(409, code, detail, { members: { checkIn: toCheckInView(checkIn) } });
}
