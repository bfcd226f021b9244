import type { SourceView } from './http/routes/sources.ts';
import type { NasState } from './presence/heartbeat.ts';
import { formatDuration } from './runtime/duration.ts';
import type { Source } from './sources/source.ts';
import type { Spaces } from './spaces/spaces.ts';

/** A source as callers see it, with what its access points make of it. */
export function toSourceView(source: Source, nases: readonly NasState[], spaces: Spaces): SourceView {
  const { lastObservationAt = null, problem, ...status } = source.status();
  const own = nases.filter(({ nas }) => nas.sourceId === source.id);
  const problems = [problem, silent(own), rare(own, spaces)].filter((each) => each !== undefined);
  return {
    id: source.id,
    type: source.type,
    spaceId: source.spaceId,
    precision: source.precision,
    readOnly: true,
    lastObservationAt,
    ...status,
    ...(problems.length === 0 ? {} : { problem: problems.join('; ') }),
  };
}

function silent(nases: readonly NasState[]): string | undefined {
  const [first, ...others] = nases.filter(({ blindSince }) => blindSince !== null);
  if (first === undefined) return undefined;
  const since = new Date(first.blindSince as number).toISOString();
  return `nothing has come from the access point "${first.nas.name}"${andOthers(others)} since ${since}, so nobody in its reach is checked out: look at its power, its network, and its accounting server`;
}

/** Access points that report more rarely than people may be idle: until they are set right, whoever leaves is noticed late. */
function rare(nases: readonly NasState[], spaces: Spaces): string | undefined {
  const isRare = ({ nas, cadenceMs, sendsNone }: NasState): boolean =>
    sendsNone || cadenceMs > (spaces.get(nas.spaceId)?.idleTimeout ?? Infinity);
  const [first, ...others] = nases.filter(isRare);
  if (first === undefined) return undefined;
  const name = `the access point "${first.nas.name}"${andOthers(others)}`;
  const wanted = 'set its interim update interval (Acct-Interim-Interval) to 5m or less';
  if (first.sendsNone) return `${name} sends no interim updates, so people are in until it reports a Stop: ${wanted}`;
  const idle = formatDuration(spaces.get(first.nas.spaceId)?.idleTimeout ?? 0);
  const every = formatDuration(roundToSeconds(first.cadenceMs));
  const waits = formatDuration(Math.ceil((first.cadenceMs * 2.2) / 60_000) * 60_000);
  return `${name} reports every ${every}, which is longer than the idle timeout of ${idle}, so whoever leaves is checked out only after ${waits}: ${wanted}`;
}

function andOthers(others: readonly NasState[]): string {
  return others.length === 0 ? '' : ` and ${others.length} more`;
}

function roundToSeconds(ms: number): number {
  return Math.max(1_000, Math.round(ms / 1_000) * 1_000);
}
