import type { MacAddress } from '../../observation/mac-address.ts';

/** A grant of an address, as a lease file has it. */
export type Lease = {
  readonly station: MacAddress;
  readonly ipAddress: string;
  /** Epoch milliseconds; Infinity for a lease without an end, undefined where the file does not say. */
  readonly until: number | undefined;
  readonly hostname?: string;
};

/** What a lease file says at one moment. */
export type LeaseList = {
  readonly leases: readonly Lease[];
  /** False when its last line was being written: then what is not in it may be about to come. */
  readonly isComplete: boolean;
};
