import { z } from 'zod';
import type { ItemError } from '../identity/bulk/item.ts';
import { describeError, type ImportRefused, type Report } from '../identity/bulk/report.ts';
import { Problem } from './problem.ts';

const counts = {
  dryRun: z.boolean().describe('Whether this is what would have been done'),
  rows: z.int(),
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  failed: z.int(),
  errorsLeftOut: z.int().describe('How many more errors there are'),
} as const;

const errorFields = {
  column: z.string().nullable().describe('Null when it is about the whole row, or the whole file'),
  code: z.string().describe('Stable name of the mistake'),
  message: z.string().describe('What is wrong, and what to do; it quotes nothing'),
} as const;

export const importReportSchema = z
  .object({ ...counts, errors: z.array(z.object({ line: z.int().describe('Of the file, from 1'), ...errorFields })) })
  .meta({ id: 'ImportReport' });

export const batchReportSchema = z
  .object({
    ...counts,
    errors: z.array(z.object({ index: z.int().describe('In `devices`, from 0'), ...errorFields })),
  })
  .meta({ id: 'BatchReport' });

export function toImportReport(report: Report): z.output<typeof importReportSchema> {
  return { ...report, errors: report.errors.map(({ place, ...error }) => Object.assign({ line: place }, error)) };
}

export function toBatchReport(report: Report): z.output<typeof batchReportSchema> {
  return { ...report, errors: report.errors.map(({ place, ...error }) => Object.assign({ index: place }, error)) };
}

/** Errors of a problem that are listed as such; the report beside them has more. */
const listedErrors = 50;

/** Nothing was registered; the report says why, under `report`. */
export function toRefusal(
  { message, report }: ImportRefused,
  of: { readonly report: (report: Report) => object; readonly path: (error: ItemError) => string },
): Problem {
  const errors = report.errors
    .slice(0, listedErrors)
    .map((error) => ({ path: of.path(error), message: error.message }));
  return new Problem(422, 'importRefused', message, { errors, members: { report: of.report(report) } });
}

export function linePath(error: ItemError): string {
  return describeError({ ...error, message: '' }, 'line').replace(/: $/, '');
}

export function indexPath({ place, column }: ItemError): string {
  return ['devices', place, column].filter((part) => part !== null).join('.');
}
