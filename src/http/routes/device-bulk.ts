import { z } from 'zod';
import { allow } from '../access.ts';
import { leaveUnread, readBody } from '../csv-body.ts';
import {
  batchReportSchema,
  importReportSchema,
  indexPath,
  linePath,
  toBatchReport,
  toImportReport,
  toRefusal,
} from '../device-report-schema.ts';
import type { IdempotencyKeys } from '../idempotency.ts';
import { Problem } from '../problem.ts';
import type { Routes } from '../route.ts';
import { importDevices, registerBatch } from '../../identity/bulk/import-devices.ts';
import { ImportRefused } from '../../identity/bulk/report.ts';
import type { DevicePorts } from './devices.ts';

const mebibyte = 1024 * 1024;
/** Some 300,000 rows. The command takes larger files. */
const mostFileBytes = 16 * mebibyte;
const mostItems = 10_000;
const mostBatchBytes = 4 * mebibyte;
/** A file of that size takes a minute on a slow disk. */
const timeoutMs = 300_000;

const writers = allow('platform', 'frontdesk');

const trueOrFalse = z.enum(['true', 'false']).transform((text) => text === 'true');

const batchItem = z.strictObject({
  mac: z.string(),
  customerId: z.string(),
  name: z.string().nullish(),
  class: z.string().nullish(),
});

export function addDeviceBulk(app: Routes, ports: DevicePorts, keys: IdempotencyKeys): void {
  void app.register(async (scope) => {
    // A file is all that this one address takes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('text/csv', leaveUnread);
    addImport(scope, ports, keys);
  });
  addBatch(app, ports, keys);
}

function addImport(app: Routes, { registry }: DevicePorts, keys: IdempotencyKeys): void {
  let isAtWork = false;
  app.route({
    method: 'POST',
    url: '/v1/devices/import',
    handlerTimeout: timeoutMs,
    bodyLimit: mostFileBytes,
    config: { access: writers, audit: 'device.import', failures: [422, 503], idempotent: true, bodyType: 'text/csv' },
    schema: {
      summary: 'Registers the devices of a CSV file, all or none',
      description:
        'The first line names the columns: `mac`, `customerId`, and if you like `name` and `class`, in any order, between commas, semicolons or tabs. An empty cell leaves what it is about as it is. One row that can not be registered keeps all of them out (422 `importRefused`), and the report says what is wrong in which line; with `dryRun=true` the report is all there is. The same file again changes nothing. One file at a time; 16 MiB at most.',
      tags: ['devices'],
      querystring: z.strictObject({ dryRun: trueOrFalse.default(false).describe('Only say what would be done') }),
      consumes: ['text/csv'],
      body: z.any().meta({ type: 'string' }),
      response: { 200: importReportSchema },
    },
    handler: async (request) => {
      // What a file takes in memory, and in the registry's only queue of writers, is taken once.
      if (isAtWork) {
        throw new Problem(503, 'importAtWork', 'another file is being imported; send yours when it is done', {
          retryAfterMs: 5_000,
        });
      }
      isAtWork = true;
      try {
        const content = await readBody(request, mostFileBytes);
        const { dryRun } = request.query;
        const make = async () => {
          const report = await importDevices(registry, inPieces(content), { dryRun, mostBytes: mostFileBytes });
          return { status: 200, id: JSON.stringify(toImportReport(report)) };
        };
        const { id } = dryRun ? await make() : await keys.once(request, make, content);
        return JSON.parse(id) as z.output<typeof importReportSchema>;
      } catch (error) {
        throw error instanceof ImportRefused ? toRefusal(error, { report: toImportReport, path: linePath }) : error;
      } finally {
        isAtWork = false;
      }
    },
  });
}

function addBatch(app: Routes, { registry }: DevicePorts, keys: IdempotencyKeys): void {
  app.route({
    method: 'POST',
    url: '/v1/devices/batch',
    handlerTimeout: timeoutMs,
    bodyLimit: mostBatchBytes,
    config: { access: writers, audit: 'device.import', failures: [422], idempotent: true },
    schema: {
      summary: 'Registers many devices, or changes what is known of them, as a device management does each night',
      description:
        'What is left out stays as it is; null takes it away. All or none, unless `atomic` is false: then what can be registered is, and `errors` has each that can not, by its index.',
      tags: ['devices'],
      body: z.strictObject({
        devices: z.array(batchItem).min(1).max(mostItems),
        atomic: z.boolean().default(true).describe('All or none'),
        dryRun: z.boolean().default(false).describe('Only say what would be done'),
      }),
      response: { 200: batchReportSchema },
    },
    handler: async (request) => {
      const { devices, atomic, dryRun } = request.body;
      const make = async () => {
        const report = await registerBatch(registry, devices, { atomic, dryRun });
        return { status: 200, id: JSON.stringify(toBatchReport(report)) };
      };
      try {
        const { id } = dryRun ? await make() : await keys.once(request, make);
        return JSON.parse(id) as z.output<typeof batchReportSchema>;
      } catch (error) {
        throw error instanceof ImportRefused ? toRefusal(error, { report: toBatchReport, path: indexPath }) : error;
      }
    },
  });
}

async function* inPieces(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content;
}
