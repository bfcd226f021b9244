import type { DeviceClass } from './device-class.ts';
import { AddressTable, grown, none } from './address-table.ts';
import { foldIdentity } from './fold-identity.ts';
import { TextTable } from './text-table.ts';

/** What is known of a customer, in `#state`. */
const gone = 0;
const optedOut = 1;
const optedIn = 2;

/** Values of the digits of base64url by their character codes. */
const digits = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(String.fromCharCode(code))),
);

/** The registry in memory, as rows of numbers. It knows no SQL, no secret and no policy. */
export class DirectoryTables {
  readonly #addresses = new AddressTable();
  readonly #customers: TextTable;
  readonly #identities: TextTable;
  #state = new Uint8Array(512);
  /** From when on a customer is seen, epoch milliseconds; of the few of whom that is not always. */
  readonly #trackedSince = new Map<number, number>();
  /** Customers who have gone since the tables were built. */
  readonly #removed = new Set<number>();
  /** By the identity's row, the customer's. */
  #identified = new Int32Array(512);
  /** By the identity's row, a hash of how it was registered, for networks that tell `Mia` from `mia`. */
  #spellings = new Int32Array(512);

  /** `seed` is any random number. */
  constructor(seed: number) {
    this.#customers = new TextTable(seed);
    this.#identities = new TextTable(seed);
  }

  /** Registered addresses. */
  get size(): number {
    return this.#addresses.size;
  }

  setCustomer(id: string, isOptedIn: boolean, trackedSince?: number) {
    const customer = this.#customers.add(id);
    if (this.#state[customer] === gone) this.#disown(customer);
    if (customer >= this.#state.length) this.#state = grown(this.#state, Math.ceil(customer * 1.5) + 1);
    this.#state[customer] = isOptedIn ? optedIn : optedOut;
    if (trackedSince !== undefined) this.#trackedSince.set(customer, trackedSince);
    else this.#trackedSince.delete(customer);
  }

  /** Whatever still points at the customer finds nobody from now on, without a search for it. */
  removeCustomer(id: string) {
    const customer = this.#customers.find(id);
    if (customer === none) return;
    this.#state[customer] = gone;
    this.#trackedSince.delete(customer);
    this.#removed.add(customer);
  }

  /** An address of a customer who is not here is left out: the change that brings the customer brings it too. */
  setAddress(hashText: string, deviceId: string, customerId: string, deviceClass?: DeviceClass) {
    const customer = this.#customers.find(customerId);
    if (customer === none) return;
    const row = this.#addresses.set(highBits(hashText), lowBits(hashText), deviceId, customer);
    this.#addresses.setClass(row, deviceClass);
  }

  removeAddress(hashText: string) {
    this.#addresses.remove(highBits(hashText), lowBits(hashText));
  }

  setIdentity(identity: string, customerId: string, spelling = identity) {
    const customer = this.#customers.find(customerId);
    if (customer === none) return;
    const row = this.#identities.add(identity);
    if (row >= this.#identified.length) {
      const length = Math.ceil(row * 1.5) + 1;
      this.#identified = grown(this.#identified, length);
      this.#spellings = grown(this.#spellings, length);
    }
    this.#identified[row] = customer;
    this.#spellings[row] = spellingHash(spelling);
  }

  /** A look at every identity, so for many customers at once. */
  removeIdentitiesOf(customerIds: readonly string[]) {
    const owners = new Set(customerIds.map((id) => this.#customers.find(id)));
    owners.delete(none);
    if (owners.size === 0) return;
    for (let row = 0; row < this.#identities.rows; row++) {
      if (owners.has(this.#identified[row] as number)) this.#identified[row] = none;
    }
  }

  /** The row of a digest, one character per byte, or `none`. */
  findAddress(digest: string): number {
    return this.#addresses.find(bits(digest, 0), bits(digest, 4));
  }

  /** The customer whose identity this is, or `none`. */
  findIdentity(identity: string, caseSensitive = false): number {
    const row = this.#identities.find(foldIdentity(identity));
    if (caseSensitive && row !== none && this.#spellings[row] !== spellingHash(identity)) return none;
    return row === none ? none : this.#present(this.#identified[row] as number);
  }

  /** Whether the row is that of a registered address. */
  holds(addressRow: number): boolean {
    return this.#addresses.customer(addressRow) !== none;
  }

  /** The customer whose address this row is, or `none` when one or the other has gone. */
  ownerOf(addressRow: number): number {
    return this.#present(this.#addresses.customer(addressRow));
  }

  deviceId(addressRow: number): string {
    return this.#addresses.deviceId(addressRow);
  }

  deviceClass(addressRow: number): DeviceClass | undefined {
    return this.#addresses.deviceClass(addressRow);
  }

  customerId(customer: number): string {
    return this.#customers.text(customer);
  }

  isOptedIn(customer: number): boolean {
    return this.#state[customer] === optedIn;
  }

  /** From when on what is seen of them counts, epoch milliseconds; undefined: always. It lies ahead while they have a pause. */
  trackedSince(customer: number): number | undefined {
    return this.#trackedSince.size === 0 ? undefined : this.#trackedSince.get(customer);
  }

  /** By an id: undefined for somebody who is not here. */
  choiceOf(id: string): { readonly optedIn: boolean; readonly trackedSince: number | undefined } | undefined {
    const customer = this.#present(this.#customers.find(id));
    if (customer === none) return undefined;
    return { optedIn: this.isOptedIn(customer), trackedSince: this.trackedSince(customer) };
  }

  /** See `AddressTable.takeRecycled`. */
  takeRecycled(): boolean {
    return this.#addresses.takeRecycled();
  }

  /** An id that comes back is somebody new, and inherits nothing that the one who had it before left behind. */
  #disown(customer: number) {
    if (!this.#removed.delete(customer)) return;
    this.#addresses.disown(customer);
    for (let row = 0; row < this.#identities.rows; row++) {
      if (this.#identified[row] === customer) this.#identified[row] = none;
    }
  }

  #present(customer: number): number {
    return customer === none || this.#state[customer] === gone ? none : customer;
  }
}

/** Tells two spellings of one name apart; that it is the same name is known already. */
function spellingHash(text: string): number {
  const spelled = text.normalize('NFC');
  let hash = 0;
  for (let at = 0; at < spelled.length; at += 1) hash = Math.imul(hash ^ spelled.charCodeAt(at), 0x2c1b3c6d) + at;
  return hash | 0;
}

function bits(digest: string, at: number): number {
  const high = (digest.charCodeAt(at) << 24) | (digest.charCodeAt(at + 1) << 16);
  return (high | (digest.charCodeAt(at + 2) << 8) | digest.charCodeAt(at + 3)) >>> 0;
}

/** The same 32 bits, out of the base64url that the ledger holds. */
function highBits(text: string): number {
  const top = (digit(text, 0) << 26) | (digit(text, 1) << 20) | (digit(text, 2) << 14);
  return (top | (digit(text, 3) << 8) | (digit(text, 4) << 2) | (digit(text, 5) >> 4)) >>> 0;
}

function lowBits(text: string): number {
  const top = ((digit(text, 5) & 15) << 28) | (digit(text, 6) << 22) | (digit(text, 7) << 16);
  return (top | (digit(text, 8) << 10) | (digit(text, 9) << 4) | (digit(text, 10) >> 2)) >>> 0;
}

function digit(text: string, at: number): number {
  return digits[text.charCodeAt(at)] as number;
}
