import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';

const validMs = 60 * 60 * 1000;
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * The one-time code of the set-up link (ASVS 5.0, 6.3.2): 100 random bits, good for an hour and for one use. It lives
 * in this process only, so a restart makes the old link worthless.
 */
export class SetupCode {
  /** Goes into the link's fragment, which browsers keep out of requests, logs and Referer. */
  readonly code = Array.from(randomBytes(20), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
  readonly #expected = sha256(this.code);
  readonly #clock: Clock;
  readonly #expiresAt: number;
  #used = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#expiresAt = clock.monotonic() + validMs;
  }

  /** Runs `grant` for the right code, once; undefined for a code that is wrong, used or too old. */
  async redeem<T>(offered: string, grant: () => Promise<T>): Promise<T | undefined> {
    const right = timingSafeEqual(sha256(offered.trim().toLowerCase()), this.#expected);
    if (!right || this.#used || this.#clock.monotonic() > this.#expiresAt) return undefined;
    // Set before waiting, so that two calls at once can't both be granted.
    this.#used = true;
    try {
      return await grant();
    } catch (error) {
      this.#used = false;
      throw error;
    }
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
