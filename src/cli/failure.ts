import { importJson } from './import-json.ts';
import { ConfigError, type Problem } from '../config/problem.ts';
import { describeError, ImportRefused } from '../identity/bulk/report.ts';
import { UserError } from '../runtime/user-error.ts';

/** Why a command failed, for people (`error`) and, with `--json`, for programs. */
export type Failure = {
  readonly error: string;
  readonly problems?: readonly Problem[];
  /** Of an import, with the line and the reason of each mistake. */
  readonly report?: object;
  /** Lines for people that go on where `error` ends; programs find the same elsewhere. */
  readonly details?: readonly string[];
};

/** Mistakes in a file that people read on one screen; `--json` has more. */
const listedMistakes = 20;

export function failureOf(error: unknown): Failure {
  if (error instanceof ConfigError) return { error: error.message, problems: error.problems };
  if (error instanceof ImportRefused) {
    return { error: error.message, report: importJson(error.report), details: mistakesOf(error) };
  }
  if (error instanceof UserError) return { error: error.message, ...error.facts };
  return { error: systemFailure(error) ?? unexpected(error) };
}

function mistakesOf({ report: { errors, errorsLeftOut } }: ImportRefused): readonly string[] {
  if (errors.length + errorsLeftOut === 1) return [];
  const listed = errors.slice(0, listedMistakes).map((mistake) => describeError(mistake, 'line'));
  const more = errors.length - listed.length + errorsLeftOut;
  return more === 0 ? listed : [...listed, `and ${more} more; --json lists them`];
}

/** What the operating system refuses is mended from outside, so the message says how. */
function systemFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Several attempts (one for each address of a name) fail as one; the first is as good as any.
  if (error instanceof AggregateError) return systemFailure(error.errors[0]);
  const { code, address, port, path } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const place = port === undefined ? (address ?? path ?? 'it') : `${address ?? ''}:${port}`;
  const advice = code === undefined ? undefined : advices[code]?.(place);
  if (advice !== undefined) return advice;
  return error.cause === undefined ? undefined : systemFailure(error.cause);
}

const advices: Readonly<Record<string, (place: string) => string>> = {
  EACCES: (place) => `cannot use ${place} (permission denied); give this user the right to it`,
  EADDRINUSE: (place) => `${place} is in use by another program; stop that one, or set another address with listen`,
  EADDRNOTAVAIL: (place) => `${place} is not an address of this machine; set another one with listen`,
  ECONNREFUSED: (place) => `nothing answers at ${place}; start the server there, or correct its address`,
  ENOENT: (place) => `cannot find ${place}; create it, or correct the path`,
  ENOSPC: (place) => `cannot write ${place} (no space left on the device); make room`,
  EROFS: (place) => `cannot write ${place} (the file system is read-only); set another dataDir`,
};

function unexpected(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `unexpected failure: ${message.split('\n')[0] ?? ''}; please report it`;
}
