import { addressRange, listen } from './fields.ts';
import { formatListen } from './listen.ts';
import { nearestName } from './nearest-name.ts';
import { formatPath, type Problem } from './problem.ts';
import { retentionProblems } from './retention.ts';
import { defaultListens } from './sources.ts';

/**
 * What one entry says about another: ids used twice, spaces that do not exist, ports and client ranges named twice, times
 * that do not fit each other.
 * Reads the unchecked input, so that these problems are reported together with the ones of shape; whatever has the
 * wrong shape is passed over here, because the schema reports it.
 */
export function referenceProblems(input: unknown): readonly Problem[] {
  const spaces = list(input, 'spaces');
  const sources = list(input, 'sources');
  const spaceIds = spaces.map((space) => folded(space, 'id'));
  return [
    ...repeated('spaces', 'id', spaceIds),
    ...repeated(
      'sources',
      'id',
      sources.map((source) => folded(source, 'id')),
    ),
    ...repeated('sources', 'listen', sources.map(listenKey)),
    ...sources.flatMap((source, index) => sourceProblems(source, ['sources', index], spaceIds)),
    ...retentionProblems(field(input, 'retention'), field(input, 'lateWindow')),
  ];
}

type Path = readonly (string | number)[];

function sourceProblems(source: unknown, path: Path, spaceIds: readonly (string | undefined)[]): readonly Problem[] {
  const clients = list(source, 'clients');
  return [
    ...unknownSpace(source, path, spaceIds),
    ...clients.flatMap((client, index) => unknownSpace(client, [...path, 'clients', index], spaceIds)),
    ...repeated(formatPath([...path, 'clients']), 'address', clients.map(rangeKey)),
  ];
}

function unknownSpace(entry: unknown, path: Path, spaceIds: readonly (string | undefined)[]): readonly Problem[] {
  const space = folded(entry, 'space');
  if (space === undefined || spaceIds.includes(space)) return [];
  const nearest = nearestName(
    space,
    spaceIds.filter((id) => id !== undefined),
  );
  const hint = nearest === undefined ? 'add it to spaces' : `did you mean "${nearest}"?`;
  return [{ path: formatPath([...path, 'space']), message: `there is no space "${space}"; ${hint}` }];
}

/** A problem for each entry whose value an earlier one already has. */
function repeated(section: string, key: string, values: readonly (string | undefined)[]): readonly Problem[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    return [{ path: `${section}[${index}].${key}`, message: `"${value}" is already used by ${section}[${first}]` }];
  });
}

function listenKey(source: unknown): string | undefined {
  const address = listen().safeParse(field(source, 'listen') ?? defaultListens[String(field(source, 'type'))]).data;
  // Port 0 is another port each time.
  return address === undefined || address.port === 0 ? undefined : formatListen(address);
}

function rangeKey(client: unknown): string | undefined {
  return addressRange().safeParse(field(client, 'address')).data;
}

function folded(entry: unknown, key: string): string | undefined {
  const value = field(entry, key);
  return typeof value === 'string' ? value.trim().toLowerCase() : undefined;
}

function list(entry: unknown, key: string): readonly unknown[] {
  const value = field(entry, key);
  return Array.isArray(value) ? value : [];
}

function field(entry: unknown, key: string): unknown {
  return typeof entry === 'object' && entry !== null ? (entry as Readonly<Record<string, unknown>>)[key] : undefined;
}
