import type { Logger } from '../../runtime/logger.ts';

const intervalMs = 10_000;

/**
 * At most one line per reason and interval, with how often it happened since the line before: anybody can send packets,
 * and nobody must be able to fill the disk with them. Reasons come from a closed set.
 */
export class SampledLog {
  readonly #logger: Logger;
  readonly #reasons = new Map<string, { count: number; loggedAt: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `now` is monotonic milliseconds. */
  warn(reason: string, senderAddress: string, now: number): void {
    const seen = this.#reasons.get(reason) ?? { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
    this.#reasons.set(reason, seen);
    seen.count += 1;
    if (now - seen.loggedAt < intervalMs) return;
    this.#logger.warn({ reason, senderAddress, count: seen.count }, 'RADIUS packets of this kind came in');
    seen.count = 0;
    seen.loggedAt = now;
  }
}
