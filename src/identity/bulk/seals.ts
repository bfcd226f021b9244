import { setImmediate as breath } from 'node:timers/promises';
import type { AddressVault } from '../address-vault.ts';
import type { Candidate, Step } from './plan.ts';

/** Sealed at a time: some milliseconds, after which others have their turn. */
const sealsPerBatch = 200;

export type Sealed = { readonly dataKey: string; readonly sealed: string; readonly tailHash: string };

/**
 * The sealed addresses of what is to be created. They are made before the transaction, which everybody who writes waits
 * for; what it finds different, such as a customer who was erased and made anew, is sealed in it once more.
 */
export class Seals {
  readonly #vault: AddressVault;
  readonly #sealed = new Map<Candidate, Sealed>();

  constructor(vault: AddressVault) {
    this.#vault = vault;
  }

  /** A customer's rows mostly follow one another, so their key is unwrapped once. */
  async add(steps: readonly Step[], onProgress: (done: number) => void = () => undefined): Promise<void> {
    let of: {
      readonly customerId: string;
      readonly dataKey: string;
      readonly seal: ReturnType<AddressVault['sealer']>;
    };
    let done = 0;
    let current: typeof of | undefined;
    for (const step of steps) {
      done += 1;
      if (step.kind !== 'create' || this.#sealed.get(step.candidate)?.dataKey === step.dataKey) continue;
      const { dataKey } = step;
      const { mac, customerId } = step.candidate.item;
      if (current?.customerId !== customerId || current.dataKey !== dataKey) {
        current = { customerId, dataKey, seal: this.#vault.sealer({ customerId, dataKey }) };
      }
      const sealed = current.seal(mac, step.candidate.hash);
      this.#sealed.set(step.candidate, {
        dataKey,
        sealed,
        tailHash: this.#vault.tailHash(mac.slice(-5).replace('-', '')),
      });
      if (done % sealsPerBatch !== 0) continue;
      onProgress(done);
      await breath();
    }
  }

  get({ candidate }: Step): Sealed {
    const sealed = this.#sealed.get(candidate);
    if (sealed === undefined) throw new Error('what is created was not sealed');
    return sealed;
  }
}
