import assert from 'node:assert/strict';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the bytes of the body are kept beside what they say: signatures are made over bytes. */
    keepsBody?: boolean;
  }
}

const bodies = new WeakMap<FastifyRequest, Buffer>();

/** Reads JSON as the server does anyway, from bytes that a route may ask for. */
export function keepRawBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (request.routeOptions.config.keepsBody === true) bodies.set(request, body);
    void parse(request, body.toString('utf8'), done);
  });
}

/** The bytes of the body of a route that keeps them. */
export function rawBodyOf(request: FastifyRequest): Buffer {
  const body = bodies.get(request);
  assert(body !== undefined, 'the route does not keep the body, or it was not read yet');
  return body;
}
