import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { allow, seesSpace } from '../access.ts';
import { id } from '../fields.ts';
import { fieldProblem, Problem } from '../problem.ts';
import { pushedItemSchema, type PushedObservation } from '../pushed-item.ts';
import { createRateLimit } from '../rate-limit.ts';
import type { Routes } from '../route.ts';
import { admitSigned, isSigned, signatureRequired, type SignatureTarget } from '../signed-batch.ts';
import type { Clock } from '../../runtime/clock.ts';

/** What became of a batch: how many entries are durable now, how many lead to nothing and why, how many to send again. */
export type PushOutcome = {
  readonly recorded: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly notRecorded: number;
};

/** A source that takes batches. */
export type PushTarget = SignatureTarget & {
  /** Whether it takes only those that are signed with its secret. */
  readonly isSigned: boolean;
  /** Resolves once all of them are durable, or known not to be. `sentAt` (epoch milliseconds) is for those without a time. */
  observe(items: readonly PushedObservation[], sentAt: number | undefined): Promise<PushOutcome>;
};

export type ObservationPorts = {
  /** A source by its id; `target` is absent where it is not of the type push. */
  readonly findSource: (
    id: string,
  ) => { readonly type: string; readonly spaceId: string; readonly target?: PushTarget | undefined } | undefined;
};

type Admitted = { readonly target: PushTarget; readonly sentAt: number | undefined };

const mostItems = 1_000;
const retryAfterMs = 1_000;

const outcomeSchema = z
  .object({
    recorded: z.int().describe('How many are recorded for good'),
    ignored: z
      .record(z.string(), z.int())
      .describe('How many lead to nothing, by reason; sending them again does not help'),
    notRecorded: z.int().describe('How many must be sent again; more than none only in the answer 503'),
  })
  .meta({ id: 'PushOutcome' });

export function addObservations(app: Routes, { findSource }: ObservationPorts, clock: Clock): void {
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const limits = { callers: createRateLimit(clock), failures: createRateLimit(clock) };

  /** Whether this caller may feed this source; before anything else is said about the batch. */
  function admit(request: FastifyRequest): Admitted | undefined {
    const sourceId = sourceIdOf(request.body);
    const source = sourceId === undefined ? undefined : findSource(sourceId);
    const target = source?.target;
    const { caller } = request;
    if (caller === null) {
      const sentAt = admitSigned(request, target, clock.now(), limits);
      return target && { target, sentAt };
    }
    // Without one, the schema says what is wrong.
    if (sourceId === undefined) return undefined;
    if (source === undefined || !seesSpace(caller, source.spaceId)) {
      throw fieldProblem(404, 'unknownSource', 'sourceId', 'there is no such source');
    }
    if (target === undefined) {
      const message = `is of the type ${source.type}; observations are sent to sources of the type push`;
      throw fieldProblem(422, 'notPushed', 'sourceId', message);
    }
    if (!target.isSigned) return { target, sentAt: undefined };
    if (!isSigned(request)) throw signatureRequired();
    return { target, sentAt: admitSigned(request, target, clock.now(), limits) };
  }

  app.route({
    method: 'POST',
    url: '/v1/observations',
    config: {
      access: { ...allow('platform'), open: 'signed' },
      audit: { none: 'it says what was seen, and shows nothing' },
      keepsBody: true,
      failures: [404, 422, 503],
    },
    schema: {
      summary: 'Tells what somebody else has seen: a portal, a script, an agent',
      description:
        'Goes to a source of the type push. One with a secret takes only batches that are signed as Standard Webhooks are, and needs no token for them; one without takes a bearer token. All or nothing is taken as long as a field is at fault. The answer comes once all of it is durable; after a 503 all of it may be sent again, since observations of one time are one.',
      tags: ['sources'],
      body: z.strictObject({
        sourceId: id,
        observations: z
          .array(pushedItemSchema)
          .max(mostItems, `must be at most ${mostItems}; send the rest in another batch`),
      }),
      response: { 200: outcomeSchema },
    },
    preValidation: async (request) => {
      const found = admit(request);
      if (found !== undefined) admitted.set(request, found);
    },
    handler: async (request) => {
      const found = admitted.get(request);
      if (found === undefined) throw fieldProblem(404, 'unknownSource', 'sourceId', 'there is no such source');
      const outcome = await found.target.observe(request.body.observations, found.sentAt);
      if (outcome.notRecorded === 0) return outcome;
      const detail = `${outcome.notRecorded} of ${request.body.observations.length} could not be recorded; send all of them again`;
      throw new Problem(503, 'notRecorded', detail, { members: { ...outcome }, retryAfterMs });
    },
  });
}

/** As the schema reads it; the schema itself comes later, when it is known that the caller may be told what is wrong. */
function sourceIdOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('sourceId' in body)) return undefined;
  return id.safeParse(body.sourceId).data;
}
