import type { Report } from '../identity/bulk/report.ts';

/** As the API answers it: places are lines. */
export function importJson(report: Report): object {
  return { ...report, errors: report.errors.map(({ place, ...error }) => Object.assign({ line: place }, error)) };
}
