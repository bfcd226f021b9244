import type { Kysely, Transaction } from 'kysely';
import type { Schema } from '../db/schema.ts';
import { runKinds, type ObservedRun } from '../presence/transition.ts';

/** How many runs of a device one visit keeps; the oldest go first. */
export const mostRunsPerDevice = 64;

type PackedRun = readonly [device: string, kind: number, firstAt: number, lastAt: number, count: number];

export function packRuns(runs: readonly ObservedRun[]): string {
  const packed = runs.map(({ deviceId, kind, firstAt, lastAt, count }): PackedRun => {
    return [deviceId, runKinds.indexOf(kind), firstAt, lastAt, count];
  });
  return JSON.stringify(packed);
}

export function unpackRuns(text: string): ObservedRun[] {
  return (JSON.parse(text) as PackedRun[]).flatMap(([deviceId, kind, firstAt, lastAt, count]) => {
    const name = runKinds[kind];
    return name === undefined ? [] : [{ deviceId, kind: name, firstAt, lastAt, count }];
  });
}

/** Both, oldest first; of a run that both know, the longer. */
export function mergeRuns(known: readonly ObservedRun[], told: readonly ObservedRun[]): ObservedRun[] {
  if (told.length === 0) return [...known];
  const runs = new Map<string, ObservedRun>();
  for (const run of [...known, ...told]) {
    const key = `${run.deviceId}|${run.kind}|${run.firstAt}`;
    if ((runs.get(key)?.count ?? 0) <= run.count) runs.set(key, run);
  }
  const count = new Map<string, number>();
  return [...runs.values()]
    .toSorted((a, b) => b.firstAt - a.firstAt)
    .filter(({ deviceId }) => {
      const before = count.get(deviceId) ?? 0;
      count.set(deviceId, before + 1);
      return before < mostRunsPerDevice;
    })
    .toReversed();
}

/** Forgets what was observed of these customers; what it led to stays. */
export async function clearRuns(
  db: Kysely<Schema> | Transaction<Schema>,
  customerIds: readonly string[],
): Promise<void> {
  if (customerIds.length === 0) return;
  await db
    .updateTable('visits')
    .set({ runs: '[]' })
    .where('customer_id', 'in', customerIds)
    .where('runs', '!=', '[]')
    .execute();
}
