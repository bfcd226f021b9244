import { z } from 'zod';
import { everyone } from '../access.ts';
import type { Routes } from '../route.ts';

export function addOpenApiDocument(app: Routes): void {
  let document: string | undefined;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: everyone },
    schema: {
      summary: 'This document',
      tags: ['health'],
      response: { 200: z.record(z.string(), z.unknown()) },
    },
    handler: async (_request, reply) => {
      document ??= JSON.stringify(app.swagger());
      return reply
        .type('application/json; charset=utf-8')
        .serializer(String)
        .send(document as never);
    },
  });
}
