import type { MacAddress } from './mac-address.ts';

/** A station has a network address, whatever it does: a lease says that without saying that anybody is here. */
export type AddressHold = {
  readonly sourceId: string;
  readonly station: MacAddress;
  readonly ipAddress: string;
  /** When that was known, epoch milliseconds. */
  readonly at: number;
  /** Until when, epoch milliseconds, where the source knows. */
  readonly until?: number;
};

/** Where holds go. What is told again changes nothing; `release` ends one before its time. */
export interface AddressSink {
  hold(hold: AddressHold): void;
  release(hold: AddressHold): void;
}
