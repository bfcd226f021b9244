import type { Ledger, LoggedEvent } from './ledger.ts';

/** What must hold of any ledger, whatever happened: reliability.md's invariants 2, 3, 5, 7 and 8. Answers what does not. */
export function brokenInvariants({ entries, events, visits }: Ledger): string[] {
  return [
    ...sequences(events),
    ...alternation(events),
    ...times({ entries, events, visits }),
    ...overlaps({ entries, events, visits }),
  ];
}

function sequences(events: readonly LoggedEvent[]): string[] {
  const gaps = events.filter(({ sequence }, index) => sequence !== index + 1);
  const broken = gaps.length > 0 ? [`sequence ${gaps[0]?.sequence} is out of order`] : [];
  return new Set(events.map(({ id }) => id)).size === events.length ? broken : [...broken, 'an event id is used twice'];
}

/** By what a consumer of the events would believe: whoever comes in was out, and whoever goes out was in. */
function alternation(events: readonly LoggedEvent[]): string[] {
  const broken: string[] = [];
  const inside = new Map<string, string>();
  for (const { type, person, spaceId, checkInId, data, sequence } of events) {
    if (checkInId === null || !type.startsWith('check')) continue;
    const who = `${person} in ${spaceId}`;
    const current = inside.get(who);
    const say = (what: string): void => void broken.push(`${who}: event ${sequence}, ${type} ${checkInId}, ${what}`);
    if (type === 'checkin.recorded' || (type === 'checkin.corrected' && data.state === 'open')) {
      if (current !== undefined && current !== checkInId) say(`while ${current} is open`);
      if (type === 'checkin.recorded' && current !== undefined) say('while they are in');
      inside.set(who, checkInId);
    } else if (type === 'checkout.recorded') {
      if (current !== checkInId) say(`while ${current ?? 'nobody'} is in`);
      inside.delete(who);
    } else if (current === checkInId) {
      // Corrected to be closed, or void.
      inside.delete(who);
    }
  }
  return broken;
}

function times({ entries, visits }: Ledger): string[] {
  const broken: string[] = [];
  for (const { id, person, state, startedAt, endedAt, detectedAt } of entries) {
    if (state !== 'closed') continue;
    if (endedAt === null || detectedAt === null) broken.push(`${person}: ${id} is closed and has no end`);
    else if (startedAt > endedAt || endedAt > detectedAt) {
      broken.push(`${person}: ${id} has the times ${startedAt} ${endedAt} ${detectedAt}`);
    }
  }
  for (const { id, person, arrivedAt, lastActivityAt, departedAt } of visits) {
    if (arrivedAt > lastActivityAt || lastActivityAt > (departedAt ?? Infinity)) {
      broken.push(`${person}: visit ${id} has the times ${arrivedAt} ${lastActivityAt} ${departedAt}`);
    }
  }
  return broken;
}

/** Nobody is in one space twice at a time. */
function overlaps({ entries, visits }: Ledger): string[] {
  const broken: string[] = [];
  const real = entries.filter(({ state }) => state === 'open' || state === 'closed');
  for (const group of Map.groupBy(real, ({ person, spaceId }) => `${person} in ${spaceId}`).values()) {
    const inOrder = group.toSorted(
      (a, b) => a.startedAt - b.startedAt || (a.endedAt ?? Infinity) - (b.endedAt ?? Infinity),
    );
    for (const [index, entry] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next !== undefined && (entry.endedAt ?? Infinity) > next.startedAt) {
        broken.push(`${entry.person}: ${entry.id} and ${next.id} overlap in ${entry.spaceId}`);
      }
    }
  }
  const open = visits.filter(({ departedAt }) => departedAt === null);
  for (const [who, group] of Map.groupBy(open, ({ person, spaceId }) => `${person} in ${spaceId}`)) {
    if (group.length > 1) broken.push(`${who} has ${group.length} open visits`);
  }
  return broken;
}
