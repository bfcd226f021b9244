import { describe, expect, test } from 'vitest';
import { readRows } from '../../src/identity/bulk/csv-rows.ts';
import { isItemError, type DeviceItem, type ItemError } from '../../src/identity/bulk/item.ts';
import { describeError } from '../../src/identity/bulk/report.ts';
import { plainTextRule } from '../../src/runtime/plain-text.ts';

async function* bytesOf(content: string | Uint8Array) {
  yield typeof content === 'string' ? Buffer.from(content) : content;
}

async function read(content: string | Uint8Array, limits = { mostBytes: 1024 * 1024, mostRows: 100_000 }) {
  const all: (DeviceItem | ItemError)[] = [];
  for await (const some of readRows(bytesOf(content), limits)) all.push(...some);
  const errors = all.filter(isItemError).map((error) => describeError(error, 'line'));
  return { errors, items: all.filter((each) => !isItemError(each)) };
}

describe('a file that is not right', () => {
  const header = 'mac,customerId,name,class';
  const good = '00-00-5E-00-53-01,mia,Phone,phone';
  const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);

  const whole: readonly (readonly [what: string, content: string | Uint8Array, says: string])[] = [
    ['of no bytes', '', 'line 1: the file is empty; its first line names the columns'],
    ['of empty lines', '\n\r\n \n', 'line 1: the file is empty; its first line names the columns'],
    ['without a header', `${good}\n`, 'line 1: must name the columns: mac, customerId, name, class'],
    [
      'with a column that is not known',
      `mac,customerId,colour\n`,
      'line 1: names a column that is not known, the 3rd; known are mac, customerId, name, class, and ignored id, random, vendor, createdAt',
    ],
    ['with a column twice', 'mac,Customer_ID,customer id\n', 'line 1: names the column customerId twice'],
    ['without owners', 'mac,name\n', 'line 1: names no column customerId'],
    [
      'of 10,000 columns',
      `${'x,'.repeat(10_000)}\n`,
      'line 1: is longer than 10000 characters; a row is one short line',
    ],
    [
      'with a line of a megabyte',
      `${header}\n${good}\n${'x'.repeat(900_000)}`,
      'line 3: is longer than 10000 characters; a row is one short line',
    ],
    ['that is too large', `${header}\n${`${good}\n`.repeat(40_000)}`, 'the file is larger than 1 MiB; divide it'],
    [
      'in UTF-16 without a mark',
      Buffer.from(`${header}\n`, 'utf16le'),
      'line 1: holds NUL bytes; save the file as text, in UTF-8',
    ],
  ];
  test.each(whole)('%s is refused in one sentence', async (_what, content, says) => {
    const { errors } = await read(content);
    expect(errors.join()).toContain(says);
    expect(errors).toHaveLength(1);
  });

  const rows: readonly (readonly [row: string | Uint8Array, says: string])[] = [
    ['=1+1,mia,,', 'line 3, mac: is not an address such as 00-00-5E-00-53-01'],
    [',mia,,', 'line 3, mac: is empty; every device needs an address'],
    ['00-00-00-00-00-00,mia,,', 'line 3, mac: no device has this address: it is all zero, multicast or broadcast'],
    ['01-00-5E-00-00-01,mia,,', 'line 3, mac: no device has this address: it is all zero, multicast or broadcast'],
    [
      '••-••-••-••-53-02,mia,,',
      'line 3, mac: is masked; export with a token of the role admin or platform to get whole addresses',
    ],
    ['00-00-5E-00-53-02,=cmd,,', 'line 3, customerId: is no customer id: letters, digits and . _ @ + - only'],
    ['00-00-5E-00-53-02', 'line 3, customerId: is empty; name whose device it is'],
    [`00-00-5E-00-53-02,mia,${'x'.repeat(101)},`, 'line 3, name: must be 1 to 100 characters on one line'],
    ['00-00-5E-00-53-02,mia,a\u0007b,', `line 3, name: ${plainTextRule}`],
    ['00-00-5E-00-53-02,mia,,toaster', 'line 3, class: must be one of phone, laptop, watch, tablet, stationary, other'],
    [
      '00-00-5E-00-53-02,mia,a,b,c',
      'line 3: has 5 cells where the header names 4 columns; put a name with a delimiter in it into quotes',
    ],
    ['00-00-5E-00-53-02,mia,"Phone,phone', 'line 3: has a quote that is never closed on this line'],
    [
      '00-00-5E-00-53-02,mia,my "own" phone,phone',
      'line 3: has a quote in the middle of a cell; put the cell into quotes and double that one',
    ],
    ['00-00-5E-00-53-02,mia,a\0b,', 'line 3: holds NUL bytes; save the file as text, in UTF-8'],
    [
      Buffer.from('00-00-5E-00-53-02,mia,Caf\u00e9,', 'latin1'),
      'line 3: holds bytes that are not UTF-8; save the file as UTF-8',
    ],
  ];
  test.each(rows)('the row %j costs itself alone', async (row, says) => {
    const content = Buffer.concat([
      Buffer.from(`${header}\n${good}\n`),
      Buffer.from(row),
      Buffer.from('\n00-00-5E-00-53-09,mia,,\n'),
    ]);
    const { errors, items } = await read(content);
    expect(errors).toEqual([says]);
    expect(items.map(({ place }) => place)).toEqual([2, 4]);
  });

  const readable: readonly (readonly [what: string, content: string | Uint8Array])[] = [
    ['a byte order mark and CRLF', `\uFEFF${header}\r\n${good}\r\n\r\n`],
    ['UTF-16 with its mark', utf16(`${header}\r\n${good}\r\n`)],
    ['semicolons, and columns in another order', 'name;MAC;Customer ID;class\n"Phone";0000.5E00.5301;MIA;Phone'],
    ['tabs', `${header}\n${good}`.replaceAll(',', '\t')],
    ['the delimiter as Excel says it', `sep=;\n${header}\n${good}`.replaceAll(',', ';')],
    ['lines that end with CR', `${header}\r${good}\r`],
    ['rows of nothing at the end', `${header}\n${good}\n,,,\n,,,\n`],
  ];
  test.each(readable)('%s: reads', async (_what, content) => {
    const { errors, items } = await read(content);
    expect(errors).toEqual([]);
    const device = { mac: '00-00-5E-00-53-01', customerId: 'mia', name: 'Phone', class: 'phone' };
    expect(items.map(({ place: _place, ...rest }) => rest)).toEqual([device]);
  });

  test('more rows than may be is refused where they begin to be too many', async () => {
    const { errors } = await read(`${header}\n${good}\n${good}\n`, { mostBytes: 1e6, mostRows: 1 });
    expect(errors).toEqual(['line 2: the file has more than 1 rows; divide it']);
  });
});
