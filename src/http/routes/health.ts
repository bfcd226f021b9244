import { z } from 'zod';
import { allow, everyone } from '../access.ts';
import type { Routes } from '../route.ts';

export type Readiness = {
  /** Why nothing could be recorded now, one sentence each; empty when all is well. */
  readonly reasons: readonly string[];
  /** What is recorded, and could be lost all the same. */
  readonly warnings: readonly string[];
};

export type HealthPorts = {
  readonly readiness: () => Promise<Readiness>;
  /** Every metric in Prometheus' text format. */
  readonly metricsText: () => Promise<string>;
};

const warnings = z.array(z.string()).readonly().describe('What is recorded, and could be lost all the same');
const ready = z.object({ ready: z.literal(true), reasons: z.array(z.string()).length(0), warnings });
const notReady = z.object({ ready: z.literal(false), reasons: z.array(z.string()).readonly(), warnings });

export function addHealth(app: Routes, { readiness, metricsText }: HealthPorts): void {
  app.route({
    method: 'GET',
    url: '/livez',
    config: { access: everyone },
    schema: {
      summary: 'Answers while the process runs',
      tags: ['health'],
      response: { 200: z.object({ alive: z.literal(true) }) },
    },
    handler: async () => ({ alive: true as const }),
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: everyone },
    schema: {
      summary: 'Whether what happens now can be recorded, and why not',
      tags: ['health'],
      response: { 200: ready, 503: notReady.describe('What happens now can not be recorded') },
    },
    handler: async (_request, reply) => {
      const { reasons, warnings } = await readiness();
      return reasons.length === 0
        ? { ready: true as const, reasons: [], warnings }
        : reply.code(503).send({ ready: false as const, reasons, warnings });
    },
  });
  app.route({
    method: 'GET',
    url: '/metrics',
    config: {
      access: { ...allow('frontdesk', 'viewer', 'platform'), open: 'thisMachine' },
      audit: { none: 'it counts, and names nobody' },
    },
    schema: {
      summary: 'Metrics for Prometheus; callers on this machine need no token',
      tags: ['health'],
      response: {
        200: { description: 'Prometheus text format', content: { 'text/plain': { schema: z.string() } } },
      },
    },
    handler: async (_request, reply) =>
      reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .serializer(String)
        .send(await metricsText()),
  });
}
