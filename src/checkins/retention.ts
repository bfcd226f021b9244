import { setTimeout as delay } from 'node:timers/promises';
import type { Duty } from '../redis/duty.ts';
import type { Clock } from '../runtime/clock.ts';

/** Something that is kept for a time and then deleted. */
export type RetentionKind = {
  /** The label of the metric. */
  readonly name: string;
  readonly keepMs: number;
  /** Deletes at most `limit` of what is older than `before`, in one transaction; how many that were. Repeating it does no harm. */
  readonly forget: (before: number, limit: number) => Promise<number>;
};

export type RetentionPorts = {
  readonly kinds: readonly RetentionKind[];
  /** One node at a time does it. */
  readonly duty: Pick<Duty, 'acquire' | 'release'>;
  readonly clock: Clock;
  readonly onForgotten: (kind: string, count: number) => void;
};

/** Short enough that the recorder, who waits for the same lock, does not notice. */
export const rowsPerBatch = 1_000;
/** Between two batches, so that whoever writes comes first. */
const pauseMs = 50;

/**
 * One round of deleting what is too old, in small batches: whatever interrupts it, the next round goes on. What fails does
 * not keep the other kinds; the first failure is thrown at the end.
 */
export async function forgetOld(
  { kinds, duty, clock, onForgotten }: RetentionPorts,
  signal: AbortSignal,
): Promise<void> {
  if (!(await duty.acquire())) return;
  try {
    await forgetKinds({ kinds, duty, clock, onForgotten }, signal);
  } finally {
    // Without this, another node takes over only when the duty runs out.
    await duty.release();
  }
}

async function forgetKinds({ kinds, duty, clock, onForgotten }: RetentionPorts, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  for (const { name, keepMs, forget } of kinds) {
    try {
      for (let count = rowsPerBatch; count >= rowsPerBatch;) {
        if (signal.aborted || !(await duty.acquire())) return;
        count = await forget(clock.now() - keepMs, rowsPerBatch);
        onForgotten(name, count);
        // Cut short when the service stops, which the next round of this loop sees.
        if (count >= rowsPerBatch) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
