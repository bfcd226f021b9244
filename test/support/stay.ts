import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from './nas.ts';

/** Somebody who is here and does something, until they leave. */
export type Stay = {
  /** No more interims. Resolves with when the last one was acknowledged, epoch milliseconds of the real time. */
  readonly leave: () => Promise<number>;
};

/** An interim with progress every so often; while nobody answers, the access point repeats the one that is owed. */
export function stay(session: Session, everyMs = 500): Stay {
  const leaving = new AbortController();
  const staying = (async () => {
    let at = Date.now();
    while (!leaving.signal.aborted) {
      const { acknowledgedAt } = await session.interim(1_000);
      at = performance.timeOrigin + acknowledgedAt;
      await delay(everyMs, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
    return at;
  })();
  return {
    leave: () => {
      leaving.abort();
      return staying;
    },
  };
}
