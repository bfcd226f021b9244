import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';

const validMs = 60 * 60 * 1000;
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * The one-time code of the set-up link (ASVS 5.0, 6.3.2): 100 random bits, good for an hour and for one use. It lives
 * in this process only, so a restart makes the old link worthless.
 */
export interface SetupCode {
  /** Put into the link's fragment, which browsers keep out of requests, logs and Referer. */
  readonly code: string;
  /** Runs `grant` for the right code, once; undefined for a wrong, used or expired one. */
  redeem<T>(code: string, grant: () => Promise<T>): Promise<T | undefined>;
}

export function createSetupCode(clock: Clock): SetupCode {
  const code = Array.from(randomBytes(20), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
  const expected = sha256(code);
  const expiresAt = clock.monotonic() + validMs;
  let used = false;
  return {
    code,
    async redeem(offered, grant) {
      const right = timingSafeEqual(sha256(offered.trim().toLowerCase()), expected);
      if (!right || used || clock.monotonic() > expiresAt) return undefined;
      // Set before waiting, so that two calls at once can't both be granted.
      used = true;
      try {
        return await grant();
      } catch (error) {
        used = false;
        throw error;
      }
    },
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
