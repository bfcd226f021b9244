import { createSecretKey, type KeyObject } from 'node:crypto';

const dayMs = 86_400_000;

/** Days since 1970. */
export function dayOf(at: number): number {
  return Math.floor(at / dayMs);
}

/** Keys that are derived anew for each day, for what lies in Redis for a day at most: nothing outlives its key by much. */
export class DayKeys {
  readonly #deriveKey: (purpose: string) => Buffer;
  readonly #purpose: string;
  readonly #keys = new Map<number, KeyObject>();

  /** `deriveKey` gives 32 bytes for a purpose, always the same ones for the same master key. */
  constructor(deriveKey: (purpose: string) => Buffer, purpose: string) {
    this.#deriveKey = deriveKey;
    this.#purpose = purpose;
  }

  key(day: number): KeyObject {
    let key = this.#keys.get(day);
    if (key === undefined) {
      key = createSecretKey(this.#deriveKey(`${this.#purpose}-${day}`));
      if (this.#keys.size > 2) this.#keys.clear();
      this.#keys.set(day, key);
    }
    return key;
  }
}
