import type { SeenDevice } from './devices.ts';

/** Something is somebody else's already. `code` is what the API answers. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  readonly code: 'deviceTaken' | 'identityTaken';
  /** Whose it is. */
  readonly customerId: string;

  constructor(code: Conflict['code'], message: string, customerId: string) {
    super(message);
    this.code = code;
    this.customerId = customerId;
  }
}

/** The customer's erasure is under way; nothing can be kept of them until it is complete. */
export class ErasureAtWork extends Error {
  override readonly name = 'ErasureAtWork';

  constructor() {
    super('this customer is being erased');
  }
}

/** A customer was named that does not exist. */
export class UnknownCustomer extends Error {
  override readonly name = 'UnknownCustomer';
  readonly code = 'unknownCustomer';
  readonly customerId: string;

  constructor(customerId: string) {
    super(`there is no customer "${customerId}"`);
    this.customerId = customerId;
  }
}

/** A customer was named as the owner of a device that is none of theirs. */
export class UnknownDevice extends Error {
  override readonly name = 'UnknownDevice';
  readonly code = 'unknownDevice';

  constructor(customerId: string) {
    super(`the customer "${customerId}" has no such device`);
  }
}

/** The customer has as many devices as the configuration allows. */
export class QuotaReached extends Error {
  override readonly name = 'QuotaReached';
  readonly code = 'deviceQuotaReached';
  readonly quota: number;
  /** What the customer has, the best to be replaced first. */
  readonly devices: readonly SeenDevice[];

  constructor(customerId: string, quota: number, devices: readonly SeenDevice[]) {
    super(`the customer "${customerId}" has ${quota} ${quota === 1 ? 'device' : 'devices'} already`);
    this.quota = quota;
    this.devices = devices;
  }
}
