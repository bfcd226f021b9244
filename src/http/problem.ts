import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Conflict, ErasureAtWork, QuotaReached, UnknownCustomer, UnknownDevice } from '../identity/errors.ts';
import { toOffer } from './device-schema.ts';
import { fieldErrors } from './field-error.ts';

/**
 * What every failed call answers (RFC 9457). The type is always `about:blank`, so the title is the status phrase
 * (section 4.2.1) and `code` is the stable name that programs branch on.
 */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable name of the problem'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).describe('One entry per field at fault'),
    requestId: z.string().describe('Names this request in the log of the server'),
  })
  .catchall(z.unknown())
  .meta({ id: 'Problem', description: 'Problem details, RFC 9457' });

export type FieldError = { readonly path: string; readonly message: string };

type ProblemExtras = {
  readonly errors?: readonly FieldError[];
  /** Members beside the standard ones, such as the check-in that is already open. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number;
};

/** A refusal with a name. Thrown by routes and hooks; `answerProblem` is the only place that turns one into bytes. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly extras: ProblemExtras;

  constructor(status: number, code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.extras = extras;
  }
}

/** A 4xx that names the one field at fault. */
export function fieldProblem(status: number, code: string, path: string, message: string): Problem {
  return new Problem(status, code, `${path}: ${message}`, { errors: [{ path, message }] });
}

/** The same answer for what does not exist and for what lies in another space, so that ids can't be probed. */
export function notFound(what: string): Problem {
  return new Problem(404, 'notFound', `there is no such ${what}`);
}

const codesByStatus: Readonly<Record<number, string>> = {
  400: 'badRequest',
  404: 'notFound',
  408: 'timeout',
  413: 'bodyTooLarge',
  414: 'uriTooLong',
  415: 'unsupportedMediaType',
  431: 'headersTooLarge',
  503: 'unavailable',
};

/** What a call takes as its body, for the message that says so. */
type BodyRules = { readonly mostBytes?: number | undefined; readonly type?: string | undefined };

/** Any error to a problem. What we did not foresee is a 500 that says nothing about itself. */
export function toProblem(error: unknown, body: BodyRules = {}): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = fieldErrors(error.validation, error.validationContext);
    return new Problem(400, 'invalidRequest', errors.map((each) => `${each.path}: ${each.message}`).join('; '), {
      errors,
    });
  }
  if (error instanceof UnknownCustomer) {
    return fieldProblem(404, 'unknownCustomer', 'customerId', 'there is no such customer');
  }
  if (error instanceof UnknownDevice) {
    return fieldProblem(422, error.code, 'replaces', 'is no device of this customer');
  }
  if (error instanceof ErasureAtWork) {
    return new Problem(409, 'erasureAtWork', 'this customer is being erased; try again when that is complete', {
      retryAfterMs: 1000,
    });
  }
  if (error instanceof Conflict) return toConflict(error);
  if (error instanceof QuotaReached) return toQuotaReached(error);
  if (error instanceof Error && 'retryable' in error && error.retryable === true) {
    return new Problem(503, 'unavailable', 'the database or Redis does not answer', { retryAfterMs: 1000 });
  }
  const { statusCode, code } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_HANDLER_TIMEOUT')
    return new Problem(503, 'timeout', 'the request took too long', { retryAfterMs: 1000 });
  if (statusCode === undefined || statusCode >= 500 || statusCode < 400) {
    return new Problem(500, 'internal', 'the server failed to answer; the request id names this failure in its log');
  }
  return new Problem(statusCode, codesByStatus[statusCode] ?? 'badRequest', detailOf(statusCode, code, body));
}

/** Its own message names the address or identity, which not every caller may see. */
function toConflict({ code, customerId }: Conflict): Problem {
  const [path, what] =
    code === 'deviceTaken'
      ? (['mac', 'is registered to another customer'] as const)
      : (['identities', 'one of them belongs to another customer'] as const);
  return new Problem(409, code, `${path}: ${what}`, { errors: [{ path, message: what }], members: { customerId } });
}

/** With what may be replaced, the device first that was seen least recently. */
function toQuotaReached({ code, quota, devices }: QuotaReached): Problem {
  const detail = `the customer has ${quota} ${quota === 1 ? 'device' : 'devices'}, which is all that devices.quota allows; name one of them in "replaces", or forget one`;
  return new Problem(409, code, detail, { members: { quota, devices: devices.map(toOffer) } });
}

/** Own words for what fastify refuses: its messages quote the body, and those words would become our interface. */
function detailOf(status: number, code: string | undefined, body: BodyRules): string {
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'the body is empty, although its Content-Type is application/json';
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH') return 'the body is not as long as Content-Length says';
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY') return 'the body is not valid JSON';
  if (code === 'FST_ERR_BAD_URL') return 'the address of the request is not well-formed';
  if (status === 415) return `send the body as Content-Type: ${body.type ?? 'application/json'}`;
  if (status === 413) return `the body is larger than ${(body.mostBytes ?? 1024 * 1024) / 1024 / 1024} MiB`;
  if (status === 400) return 'the request can not be read';
  return STATUS_CODES[status]?.toLowerCase() ?? 'the request was refused';
}

export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { config, bodyLimit } = request.routeOptions;
  const problem = toProblem(error, { mostBytes: bodyLimit, type: config?.bodyType });
  // While the database is away every call fails alike; readiness says so, and the log need not say it each time.
  if (problem.code === 'internal') request.log.error({ err: error }, 'call failed');
  const { errors = [], members, headers = {}, retryAfterMs } = problem.extras;
  void reply.headers(headers);
  if (retryAfterMs !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[problem.status] ?? 'Error',
        status: problem.status,
        detail: problem.message,
        code: problem.code,
        errors: [...errors],
        requestId: request.id,
        ...members,
      } satisfies z.input<typeof problemSchema>),
    );
}
