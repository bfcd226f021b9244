import type { Ledger } from './ledger.ts';
import { clockTime } from './oracle.ts';
import type { Played } from './played.ts';
import type { Scenario } from './scenario.ts';
import { minute, second } from './venue.ts';

/** A failure for people: what is wrong, the place, and what happened to the first whom it concerns; times are minutes of the day. */
export function tellStory(scenario: Scenario, played: Played, ledger: Ledger, broken: readonly string[]): string {
  const { venue, faults, people, lookEvery, recordEvery } = scenario;
  const who = people.find(({ id }) => broken.some((what) => new RegExp(`^${id}\\b`).test(what)));
  const lines = [
    ...broken.map((what) => `  wrong: ${what}`),
    `  a look every ${lookEvery / second} s, the ledger ${recordEvery / minute} min behind, settle ${(venue.spaces[0]?.settle ?? 0) / minute} min`,
    ...venue.accessPoints.map(({ name, cadence, isSet, counts, inactivity, clockError }) => {
      const reports =
        cadence === undefined
          ? 'no interims'
          : `interims every ${cadence / minute} min${isSet ? ', as we were told' : ''}`;
      return `  ${name}: ${reports}${counts ? '' : ', no counters'}, Stop after ${inactivity / second} s, clock ${clockError / second} s ahead`;
    }),
    ...faults.map(({ type, from, ...rest }) => {
      const details = Object.entries(rest).map(
        ([name, value]) => `${name} ${typeof value === 'number' && value > second ? clockTime(value) : value}`,
      );
      return `  ${clockTime(from)} fault: ${[type, ...details].join(', ')}`;
    }),
  ];
  if (who === undefined) return lines.join('\n');
  for (const { spaceId, from, to } of who.stays)
    lines.push(`  ${who.id} is in ${spaceId} ${clockTime(from)}-${clockTime(to)}`);
  const told: { at: number; text: string }[] = [];
  for (const { report, at, arrived } of played.delivered) {
    if (report.person !== who.id) continue;
    const octets = report.octets === undefined ? '' : `, ${report.octets} octets`;
    const when = at === arrived ? '' : ` of ${clockTime(at)}`;
    told.push({ at: arrived, text: `${report.status}${when}, ${report.device}, session ${report.session}${octets}` });
  }
  for (const { at, type, person, checkInId, data, sequence } of ledger.events) {
    if ((person !== null && person !== who.id) || type.startsWith('presence.')) continue;
    const span = data.startedAt === undefined ? '' : ` ${clockTime(data.startedAt)}-${clockTime(data.endedAt ?? null)}`;
    told.push({ at, text: `  event ${sequence}: ${type} ${checkInId ?? ''}${span}` });
  }
  for (const { at, text } of told.toSorted((a, b) => a.at - b.at)) lines.push(`  ${clockTime(at).padStart(8)} ${text}`);
  for (const { person, spaceId, state, startedAt, endedAt, reason } of ledger.entries) {
    if (person === who.id)
      lines.push(`  in the end: ${spaceId} ${state} ${clockTime(startedAt)}-${clockTime(endedAt)} ${reason ?? ''}`);
  }
  return lines.join('\n');
}
