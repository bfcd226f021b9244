import type { Column, ItemError, ItemErrorCode } from './item.ts';

/** What an export has beside the columns that are read; a file that comes back may keep them. */
export const exportedColumns = ['mac', 'customerId', 'name', 'class', 'id', 'random', 'vendor', 'createdAt'] as const;

const readColumns = ['mac', 'customerId', 'name', 'class'] as const satisfies readonly Column[];
const required = ['mac', 'customerId'] as const;
const delimiters = [',', ';', '\t'];

/** Which cell of a row is which; null for a cell that is not read. */
export type Header = { readonly delimiter: string; readonly columns: readonly (Column | null)[] };

/** Comma, semicolon or tab: whichever stands most often between the names. Excel may say it in a line `sep=;`. */
export function delimiterOf(line: string): string {
  const counts = delimiters.map((delimiter) => line.split(delimiter).length);
  return delimiters[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Names are compared without case, spaces, underscores and dashes. */
export function readHeader(place: number, cells: readonly string[], delimiter: string): Header | ItemError {
  const refuse = (code: ItemErrorCode, message: string): ItemError => ({ place, column: null, code, message });
  const known = new Map(exportedColumns.map((name) => [fold(name), name]));
  const names = cells.map((cell) => known.get(fold(cell)));
  if (names.every((name) => name === undefined)) {
    return refuse('headerMissing', `must name the columns: ${readColumns.join(', ')}`);
  }
  const unknown = names.indexOf(undefined);
  if (unknown !== -1) {
    const message = `names a column that is not known, the ${ordinal(unknown + 1)}; known are ${readColumns.join(', ')}, and ignored ${exportedColumns.slice(4).join(', ')}`;
    return refuse('unknownColumn', message);
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return refuse('columnRepeated', `names the column ${repeated} twice`);
  const missing = required.find((name) => !names.includes(name));
  if (missing !== undefined) return refuse('columnMissing', `names no column ${missing}`);
  return { delimiter, columns: names.map((name) => readColumns.find((column) => column === name) ?? null) };
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

function ordinal(number: number): string {
  const suffixes = ['th', 'st', 'nd', 'rd'];
  const suffix = number % 100 > 10 && number % 100 < 14 ? 'th' : (suffixes[number % 10] ?? 'th');
  return `${number}${suffix}`;
}
