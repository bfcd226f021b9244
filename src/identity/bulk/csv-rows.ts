import { CsvError, parse } from 'csv-parse/sync';
import { delimiterOf, readHeader, type Header } from './csv-header.ts';
import { readLines, type Line } from './csv-lines.ts';
import { unescapeFormula } from './formula.ts';
import { readItem, type Column, type DeviceItem, type ItemError, type ItemErrorCode } from './item.ts';

export type CsvLimits = { readonly mostBytes: number; readonly mostRows: number };

/** Lines that are parsed at a time: a few milliseconds, after which others have their turn. */
const linesPerBatch = 500;

/**
 * The devices of a CSV file, some at a time, each as an item or as what is wrong with it. What is wrong with the whole
 * file is the last thing that is said of it.
 *
 * A row is one line: no column of ours can hold a line break, so a quote that is open at the end of its line is the
 * mistake, and costs that line alone. The parser behind would read on to the next quote, wherever that is.
 */
export async function* readRows(
  content: AsyncIterable<Uint8Array>,
  { mostBytes, mostRows }: CsvLimits,
): AsyncGenerator<readonly (DeviceItem | ItemError)[]> {
  let header: Header | undefined;
  let delimiter: string | undefined;
  let rows = 0;
  for await (const lines of readLines(content, mostBytes)) {
    if ('code' in lines) {
      yield [lines];
      return;
    }
    const ahead = lines.filter(({ text }) => text.trim() !== '');
    if (header === undefined) {
      // So does Excel say which delimiter it took.
      const [, said] = /^sep=([,;\t])$/i.exec(ahead[0]?.text ?? '') ?? [];
      if (said !== undefined) ahead.shift();
      delimiter ??= said;
      const first = ahead.shift();
      if (first === undefined) continue;
      const read = toHeader(first, delimiter ?? delimiterOf(first.text));
      if ('code' in read) {
        yield [read];
        return;
      }
      header = read;
    }
    for (let from = 0; from < ahead.length; from += linesPerBatch) {
      const some = ahead.slice(from, from + linesPerBatch);
      rows += some.length;
      if (rows > mostRows) {
        yield [fileError(some[0]?.number ?? 0, 'tooManyRows', `the file has more than ${mostRows} rows; divide it`)];
        return;
      }
      yield toItems(some, header);
    }
  }
  if (header === undefined) yield [fileError(1, 'emptyFile', 'the file is empty; its first line names the columns')];
}

function toHeader(line: Line, delimiter: string): Header | ItemError {
  const cells = splitLine(line, delimiter);
  return 'code' in cells ? cells : readHeader(line.number, cells, delimiter);
}

/** Whatever can be parsed together is; where that fails, line by line, so that each is told what is wrong with it. */
function toItems(lines: readonly Line[], header: Header): (DeviceItem | ItemError)[] {
  const clean = lines.every((line) => faultOf(line) === undefined);
  const together = clean ? split(lines.map(({ text }) => text).join('\n'), header.delimiter) : undefined;
  return lines.flatMap((line, index) => {
    const cells = together?.length === lines.length ? together[index]! : splitLine(line, header.delimiter);
    if ('code' in cells) return [cells];
    // Spreadsheets leave rows of nothing at the end.
    return cells.every((cell) => cell.trim() === '') ? [] : [toItem(line.number, cells, header)];
  });
}

function toItem(place: number, cells: readonly string[], { columns }: Header): DeviceItem | ItemError {
  if (cells.length > columns.length) {
    const message = `has ${cells.length} cells where the header names ${columns.length} columns; put a name with a delimiter in it into quotes`;
    return fileError(place, 'tooManyCells', message);
  }
  const cell = (column: Column) => cells[columns.indexOf(column)] ?? '';
  // An empty cell says nothing, so it changes nothing.
  return readItem(place, {
    mac: cell('mac'),
    customerId: cell('customerId'),
    name: unescapeFormula(cell('name').trim()) || undefined,
    class: cell('class').trim() || undefined,
  });
}

function splitLine(line: Line, delimiter: string): readonly string[] | ItemError {
  const fault = faultOf(line);
  if (fault !== undefined) return fault;
  return (
    split(line.text, delimiter)?.[0] ??
    fileError(
      line.number,
      'notCsv',
      'has a quote in the middle of a cell; put the cell into quotes and double that one',
    )
  );
}

/** Undefined when it is no CSV. */
function split(text: string, delimiter: string): string[][] | undefined {
  try {
    return parse(text, { delimiter, record_delimiter: '\n', relax_column_count: true, max_record_size: 0 });
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

function faultOf({ number, text, isDamaged }: Line): ItemError | undefined {
  if (text.includes('\0')) return fileError(number, 'notText', 'holds NUL bytes; save the file as text, in UTF-8');
  if (isDamaged) return fileError(number, 'notText', 'holds bytes that are not UTF-8; save the file as UTF-8');
  const quotes = text.split('"').length - 1;
  return quotes % 2 === 0 ? undefined : fileError(number, 'notCsv', 'has a quote that is never closed on this line');
}

function fileError(place: number, code: ItemErrorCode, message: string): ItemError {
  return { place, column: null, code, message };
}
