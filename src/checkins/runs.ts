import type { Selectable } from 'kysely';
import type { ObservedRunTable } from '../db/schema.ts';
import type { VisitTransition } from '../presence/transition.ts';

/** What was observed, as rows; of a run that was told more than once, the last state. */
export function toRunRows(transitions: readonly VisitTransition[]): Selectable<ObservedRunTable>[] {
  const rows = new Map<string, Selectable<ObservedRunTable>>();
  for (const { customerId, spaceId, runs } of transitions) {
    for (const { deviceId, kind, firstAt, lastAt, count } of runs) {
      rows.set([customerId, spaceId, deviceId, firstAt, kind].join('|'), {
        customer_id: customerId,
        space_id: spaceId,
        device_id: deviceId,
        kind,
        first_at: firstAt,
        last_at: lastAt,
        count,
      });
    }
  }
  return [...rows.values()];
}
