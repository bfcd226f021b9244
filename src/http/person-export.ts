import { stringify } from 'csv-stringify/sync';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { personRecordKinds, type PersonRecord, type PersonRecordKind } from '../checkins/person-data.ts';
import { notFound } from './problem.ts';

/** What is held of somebody; undefined when there is no such customer. */
export type ExportPerson = (customerId: string) => Promise<AsyncIterable<PersonRecord> | undefined>;

const sections: Readonly<Record<PersonRecordKind, string>> = {
  customer: 'customers',
  device: 'devices',
  pass: 'passes',
  token: 'tokens',
  presence: 'presence',
  visit: 'visits',
  checkIn: 'checkIns',
  event: 'events',
  audit: 'audit',
};

const columns = ['kind', 'id', 'spaceId', 'from', 'to', 'details'];

const list = z.array(z.record(z.string(), z.unknown()));

export const exportResponse = {
  description: 'Everything that is held, as a file',
  content: {
    'application/json': {
      schema: z
        .object({
          exportedAt: z.string(),
          ...Object.fromEntries(Object.values(sections).map((name) => [name, list])),
        })
        .meta({ id: 'PersonExport' }),
    },
    'text/csv': { schema: z.string() },
  },
} as const;

/** Sends all of it as it is read, so that years of check-ins cost no more memory than a day of them. */
export async function sendExport(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    customerId,
    exportPerson,
    now,
  }: { readonly customerId: string; readonly exportPerson: ExportPerson; readonly now: number },
): Promise<FastifyReply> {
  const records = await exportPerson(customerId);
  if (records === undefined) throw notFound('customer');
  const isCsv = request.headers.accept?.split(',').some((range) => range.split(';')[0]?.trim() === 'text/csv') === true;
  const exportedAt = new Date(now).toISOString();
  return reply
    .header('vary', 'accept')
    .header(
      'content-disposition',
      `attachment; filename="rollcall-export-${exportedAt.slice(0, 10)}.${isCsv ? 'csv' : 'json'}"`,
    )
    .type(isCsv ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
    .send(Readable.from(isCsv ? toCsv(records) : toJson(records, exportedAt)));
}

/** One object with a list for each kind, also for those of which there is nothing. */
async function* toJson(records: AsyncIterable<PersonRecord>, exportedAt: string): AsyncGenerator<string> {
  yield `{"exportedAt":${JSON.stringify(exportedAt)}`;
  let at = -1;
  let isFirst = true;
  for await (const { kind, details } of records) {
    const place = personRecordKinds.indexOf(kind);
    for (; at < place; isFirst = true) yield* nextSection(++at);
    yield `${isFirst ? '' : ','}${JSON.stringify(withInstants(details))}`;
    isFirst = false;
  }
  while (at < personRecordKinds.length - 1) yield* nextSection(++at);
  yield ']}\n';
}

function* nextSection(at: number): Generator<string> {
  yield `${at === 0 ? '' : ']'},"${sections[personRecordKinds[at] as PersonRecordKind]}":[`;
}

/** One table, that a spreadsheet can filter by kind and sort by time; whatever differs from kind to kind is in the last column, as JSON. */
async function* toCsv(records: AsyncIterable<PersonRecord>): AsyncGenerator<string> {
  yield line(columns);
  for await (const { kind, id, spaceId, from, to, details } of records) {
    yield line([kind, id, spaceId, toIso(from), toIso(to), JSON.stringify(withInstants(details))]);
  }
}

/** A cell that a spreadsheet would take for a formula gets a quote before it (ASVS 5.0, 1.2.10). */
function line(cells: readonly (string | null)[]): string {
  return stringify([[...cells]], { escape_formulas: true, record_delimiter: 'windows' });
}

function toIso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** The same with its instants as ISO 8601, at any depth. */
function withInstants(value: unknown, name = ''): unknown {
  if (typeof value === 'number') return /(?:^at|At|From|Until|since|Since)$/u.test(name) ? toIso(value) : value;
  if (Array.isArray(value)) return value.map((item) => withInstants(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withInstants(item, key)]));
}
