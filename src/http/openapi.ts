import swagger from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { z } from 'zod';
import type { Access } from './access.ts';

export const tags = {
  health: 'Whether the service is alive, ready and how it fares',
  setup: 'The first minutes',
  customers: 'The people',
  devices: 'Whose device is it',
  me: 'What a member sees and does',
  passes: 'The right to check in',
  spaces: 'Where people check in',
  presence: 'Who is in now',
  'check-ins': 'The ledger',
  events: 'What happened, in order',
  sources: 'What tells us who is on the network',
  audit: 'Who changed or looked up what',
} as const;

const zodToJson = createJsonSchemaTransform({ schemaRegistry: z.globalRegistry });
const addComponents = createJsonSchemaTransformObject({ schemaRegistry: z.globalRegistry });

type OpenApiDocument = { readonly paths: object; readonly components: { readonly schemas: Record<string, object> } };

/**
 * The OpenAPI document is made of the schemas that validate. What follows from a route's shape (who may call it, how
 * it may fail) is added here, so that no route has to say it, or can forget to.
 */
export function addOpenApi(app: FastifyInstance, options: { readonly publicUrl?: string }): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rollcall',
        version: '1',
        description:
          'Checks people into a space because they joined its Wi-Fi. Instants are ISO 8601 UTC; errors are RFC 9457 problem details with a stable `code`; unknown fields are errors.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      ...(options.publicUrl === undefined ? {} : { servers: [{ url: options.publicUrl }] }),
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: { securitySchemes },
    },
    transform: (document) => {
      const { schema, url } = zodToJson(document);
      if (schema === undefined || schema.hide === true) return { schema, url };
      const access = document.route.config?.access;
      const failures = failuresOf(document.route, access).map((status) => [status, failure(status)]);
      const headers = document.route.config?.idempotent === true ? { headers: idempotencyHeader } : {};
      return {
        schema: {
          ...schema,
          ...headers,
          response: { ...describeSuccess(schema.response as Record<string, object>), ...Object.fromEntries(failures) },
          security: securityOf(access),
          'x-roles': access?.roles ?? [],
        },
        url,
      };
    },
    transformObject: (document) => onlyReferred(addComponents(document) as OpenApiDocument) as never,
  });
}

const securitySchemes = {
  token: { type: 'http', scheme: 'bearer' },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description: 'Standard Webhooks, with webhook-id and webhook-timestamp, by the secret of the source',
  },
} as const;

function securityOf(access: Access | undefined): Record<string, string[]>[] {
  if (access?.open === 'everyone') return [];
  if (access?.open === 'thisMachine') return [{}, { token: [] }];
  return access?.open === 'signed' ? [{ token: [] }, { signature: [] }] : [{ token: [] }];
}

const successDescriptions: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Made',
  204: 'Done; there is nothing to show',
};

function describeSuccess(responses: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, schema]) => {
      if ('content' in schema || 'description' in schema) return [status, schema];
      const description = successDescriptions[status] ?? '';
      return [status, { description, content: { 'application/json': { schema } } }];
    }),
  );
}

/** Each component is rendered as input and as output; those that no call uses would only make readers wonder. */
function onlyReferred(document: OpenApiDocument): OpenApiDocument {
  const { schemas } = document.components;
  const used = new Set<string>();
  const visit = (part: unknown) => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas[name] ?? {});
    }
  };
  visit(document.paths);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...document.components, schemas: kept } };
}

const idempotencyHeader = {
  type: 'object',
  properties: {
    'Idempotency-Key': {
      type: 'string',
      maxLength: 255,
      description: 'Makes a repeat of this call harmless for a day: it answers what the first one made',
    },
  },
};

const failureDescriptions = {
  400: 'The request is malformed, or a field of it is',
  401: 'No bearer token, or one that is not good',
  403: 'The role of the token may not do this',
  404: 'There is no such object, as far as this token is told',
  409: 'The state of the object does not allow this',
  410: 'What was asked for was deleted because it was old',
  413: 'The body is larger than the call takes, which is 1 MiB unless it says otherwise',
  415: 'The body is of another media type',
  422: 'A field names something that does not exist, or the idempotency key was used for another request',
  429: 'Too many calls; Retry-After says when to come back',
  500: 'The server failed',
  503: 'The server can not do this now',
} as const;
type FailureStatus = keyof typeof failureDescriptions;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Failures beyond those that follow from the shape of the route. */
    failures?: readonly FailureStatus[];
    /** The media type of its body; `application/json` when left out. */
    bodyType?: string;
    /** Whether the call takes an `Idempotency-Key`. */
    idempotent?: boolean;
  }
}

function failuresOf(route: RouteOptions, access: Access | undefined): readonly FailureStatus[] {
  const { body, params, querystring } = route.schema ?? {};
  return [
    ...(body !== undefined || params !== undefined || querystring !== undefined ? ([400] as const) : []),
    ...(access?.open === 'everyone' ? [] : ([401, 403, 429] as const)),
    ...(params === undefined ? [] : ([404] as const)),
    ...(body === undefined ? [] : ([413, 415] as const)),
    ...(route.config?.failures ?? []),
    500,
  ];
}

function failure(status: FailureStatus) {
  return {
    description: failureDescriptions[status],
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
