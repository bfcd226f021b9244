import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLine, AuditOutcome } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { AuditAction } from '../identity/audit-actions.ts';
import { AuditBatches } from '../identity/audit-batches.ts';
import { actingAs, actorAtWork, type Actor } from '../runtime/actor.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the call is in the audit log, or why it is not there: every call says so but those that anybody may read. */
    audit?: AuditAction | { readonly none: string };
  }
  interface FastifyRequest {
    /** On whose behalf the handler runs. */
    actor: Actor | null;
    /** What the handler answers, before it is rendered. */
    answer: unknown;
  }
}

/**
 * Tells the audit log of calls. A change is told in its own transaction, by whoever makes it, under the name that the
 * route gives; a look-up, before its answer is sent; so neither can happen without its line. A route that is silent
 * about it is refused when it is added.
 */
export function addAudit(app: FastifyInstance, db: Database): void {
  const batches = new AuditBatches(db);
  app.decorateRequest('actor', null);
  app.decorateRequest('answer', null);
  app.addHook('onRoute', ({ url, method, config }) => {
    const isRead = [method].flat().every((each) => each === 'GET' || each === 'HEAD');
    const isPublic = isRead && config?.access?.open === 'everyone';
    assert(config?.audit !== undefined || isPublic, `the route ${url} does not say what the audit log calls it`);
  });
  // The last hook before the handler: from here on everything runs on behalf of the caller.
  app.addHook('preHandler', (request, _reply, done) => {
    actingAs(toActor(request), () => {
      request.actor = actorAtWork() ?? null;
      done();
    });
  });
  app.addHook('preSerialization', async (request, _reply, payload) => {
    request.answer = payload;
    return payload;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const line = lineOf(request, reply, db);
    if (line !== undefined) await batches.write(line);
    return payload;
  });
}

function toActor(request: FastifyRequest): Omit<Actor, 'lines'> {
  const { caller } = request;
  return { id: caller?.tokenId ?? 'system', role: caller?.role ?? 'none', action: actionOf(request) };
}

function actionOf(request: FastifyRequest): AuditAction | undefined {
  const { audit } = request.routeOptions.config;
  return typeof audit === 'string' ? audit : undefined;
}

/** What is left to tell when an answer is about to be sent: what was shown, or was refused to this role. */
function lineOf(request: FastifyRequest, reply: FastifyReply, db: Database): AuditLine | undefined {
  const action = actionOf(request);
  const outcome = outcomeOf(request, reply);
  if (action === undefined || outcome === undefined) return undefined;
  const { id, role } = request.actor ?? toActor(request);
  return { at: db.audit.now(), actor: id, role, action, outcome, ...aboutWhom(request) };
}

function outcomeOf(request: FastifyRequest, reply: FastifyReply): AuditOutcome | undefined {
  if (reply.statusCode === 403 && request.caller !== null && request.actor === null) return 'forbidden';
  if (reply.statusCode >= 400 || (request.actor?.lines ?? 0) > 0) return undefined;
  const { method } = request;
  // A change that succeeds without a line has changed nothing, such as a repeat under the same idempotency key.
  return method === 'GET' || method === 'HEAD' ? 'done' : 'unchanged';
}

/** The customer, the space and the object that a call is about, by the names that they have in every call. */
function aboutWhom(request: FastifyRequest): Pick<AuditLine, 'customerId' | 'objectId' | 'spaceId'> {
  const answer = fieldsOf(request.answer);
  const query = fieldsOf(request.query);
  const params = fieldsOf(request.params);
  const isCustomer = request.routeOptions.url?.startsWith('/v1/customers/:id') === true;
  const customerId =
    textOf(answer, 'customerId') ??
    (isCustomer ? textOf(params, 'id') : undefined) ??
    textOf(query, 'customerId') ??
    request.caller?.customerId;
  const objectId = textOf(answer, 'id') ?? textOf(params, 'id');
  return {
    customerId,
    objectId: objectId !== undefined && isOurs.test(objectId) ? objectId : undefined,
    spaceId: textOf(answer, 'spaceId') ?? textOf(query, 'spaceId'),
  };
}

/** An id that we made: the others are customers', or addresses. */
const isOurs = /^[a-z]+_[0-9a-z-]+$/u;

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}
