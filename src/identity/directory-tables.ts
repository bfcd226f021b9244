import type { DeviceClass } from './device-class.ts';
import { AddressTable } from './address-table.ts';
import { foldIdentity } from './fold-identity.ts';
import { none } from './slots.ts';
import { TextTable } from './text-table.ts';

/** Of a customer: what is known of them. */
const state = 0;
const gone = 0;
const optedOut = 1;
const optedIn = 2;

/** Of an identity: its customer, and a hash of how it was registered, for networks that tell `Mia` from `mia`. */
const owner = 0;
const spelling = 1;

/** Values of the digits of base64url by their character codes. */
const digits = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(String.fromCharCode(code))),
);

/** The registry in memory, as rows of numbers. It knows no SQL, no secret and no policy. */
export class DirectoryTables {
  readonly #addresses = new AddressTable();
  readonly #customers: TextTable;
  readonly #identities: TextTable;
  /** From when on a customer is seen, epoch milliseconds; of the few of whom that is not always. */
  readonly #trackedSince = new Map<number, number>();
  /** Customers who have gone since the tables were built. */
  readonly #removed = new Set<number>();

  /** `seed` is any random number. */
  constructor(seed: number) {
    this.#customers = new TextTable(seed, 1);
    this.#identities = new TextTable(seed, 2);
  }

  /** Registered addresses. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Room for what is about to be loaded; `bytes` are those of the customers' ids. */
  reserve({ customers, bytes, addresses }: { customers: number; bytes: number; addresses: number }) {
    this.#customers.reserve(customers, bytes);
    this.#addresses.reserve(addresses);
  }

  setCustomer(id: string, isOptedIn: boolean, trackedSince?: number) {
    const customer = this.#customers.add(id);
    if (this.#customers.field(customer, state) === gone) this.#disown(customer);
    this.#customers.setField(customer, state, isOptedIn ? optedIn : optedOut);
    if (trackedSince !== undefined) this.#trackedSince.set(customer, trackedSince);
    else this.#trackedSince.delete(customer);
  }

  /** Whatever still points at the customer finds nobody from now on, without a search for it. */
  removeCustomer(id: string) {
    const customer = this.#customers.find(id);
    if (customer === none) return;
    this.#customers.setField(customer, state, gone);
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

  setIdentity(identity: string, customerId: string, spelled = identity) {
    const customer = this.#customers.find(customerId);
    if (customer === none) return;
    const row = this.#identities.add(identity);
    this.#identities.setField(row, owner, customer);
    this.#identities.setField(row, spelling, spellingHash(spelled));
  }

  /** A look at every identity, so for many customers at once. */
  removeIdentitiesOf(customerIds: readonly string[]) {
    const owners = new Set(customerIds.map((id) => this.#customers.find(id)));
    owners.delete(none);
    if (owners.size === 0) return;
    this.#disidentify((customer) => owners.has(customer));
  }

  /** The row of a digest, one character per byte, or `none`. */
  findAddress(digest: string): number {
    return this.#addresses.find(bits(digest, 0), bits(digest, 4));
  }

  /** The customer whose identity this is, or `none`. */
  findIdentity(identity: string, caseSensitive = false): number {
    const row = this.#identities.find(foldIdentity(identity));
    if (row === none) return none;
    if (caseSensitive && this.#identities.field(row, spelling) !== spellingHash(identity)) return none;
    return this.#present(this.#identities.field(row, owner));
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
    return this.#customers.field(customer, state) === optedIn;
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
    this.#disidentify((other) => other === customer);
  }

  #disidentify(isMeant: (customer: number) => boolean) {
    for (const row of this.#identities.rows()) {
      if (isMeant(this.#identities.field(row, owner))) this.#identities.setField(row, owner, none);
    }
  }

  #present(customer: number): number {
    return customer === none || this.#customers.field(customer, state) === gone ? none : customer;
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
  return high | (digest.charCodeAt(at + 2) << 8) | digest.charCodeAt(at + 3);
}

/** The same 32 bits, out of the base64url that the ledger holds. */
function highBits(text: string): number {
  const top = (digit(text, 0) << 26) | (digit(text, 1) << 20) | (digit(text, 2) << 14);
  return top | (digit(text, 3) << 8) | (digit(text, 4) << 2) | (digit(text, 5) >> 4);
}

function lowBits(text: string): number {
  const top = ((digit(text, 5) & 15) << 28) | (digit(text, 6) << 22) | (digit(text, 7) << 16);
  return top | (digit(text, 8) << 10) | (digit(text, 9) << 4) | (digit(text, 10) >> 2);
}

function digit(text: string, at: number): number {
  return digits[text.charCodeAt(at)] as number;
}
