import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { macFromBytes, toBytes, type MacAddress } from '../observation/mac-address.ts';
import { AddressHash, toHashText } from './address-hash.ts';
import type { MasterKey } from './master-key.ts';
import { open, seal } from './seal.ts';

/**
 * How MAC addresses lie in the ledger: a keyed hash to find them by, another over the last two octets for search by
 * the digits on a label, and the address itself sealed under a key of the customer's own, so that destroying that key
 * destroys the address in every copy. Without the master key, which is not in the database, none of it says anything.
 */
export class AddressVault {
  /** For the index in memory, which hashes once for every station it sees. */
  readonly addressHash: AddressHash;
  readonly #tailKey: KeyObject;
  readonly #wrapKey: KeyObject;
  readonly #nameKey: KeyObject;
  readonly #erasedKey: KeyObject;

  constructor(masterKey: MasterKey) {
    this.addressHash = new AddressHash(masterKey.derive('address look-up'));
    this.#tailKey = createSecretKey(masterKey.derive('address tail'));
    this.#wrapKey = createSecretKey(masterKey.derive('data key wrap'));
    this.#nameKey = createSecretKey(masterKey.derive('identity name'));
    this.#erasedKey = createSecretKey(masterKey.derive('erased customer'));
  }

  hash(address: MacAddress): string {
    return toHashText(this.addressHash.digest(address));
  }

  /** `tail` is the last four digits, without a dash, in upper case. */
  tailHash(tail: string): string {
    return createHmac('sha256', this.#tailKey).update(tail).digest('base64url').slice(0, 22);
  }

  /** Stands for an identity where it has to be named and must not be told. The same on every node. */
  nameHash(identity: string): string {
    return createHmac('sha256', this.#nameKey).update(identity).digest('binary');
  }

  /** By which it is known that somebody of this id was erased, without the id. */
  erasedHash(customerId: string): string {
    return createHmac('sha256', this.#erasedKey).update(customerId).digest('base64url');
  }

  /** A new key for a customer, wrapped for `customers.data_key`. */
  createDataKey(customerId: string): string {
    return seal(this.#wrapKey, randomBytes(32), `data key of ${customerId}`);
  }

  seal(address: MacAddress, owner: Owner): string {
    return this.sealer(owner)(address, this.hash(address));
  }

  /** Seals many addresses of one customer, whose key is unwrapped once. `hashText` is the hash of the address. */
  sealer(owner: Owner): (address: MacAddress, hashText: string) => string {
    const key = createSecretKey(this.#dataKey(owner));
    return (address, hashText) => seal(key, Buffer.from(toBytes(address)), hashText);
  }

  /** The address behind `hash`, to which the seal is bound: one row's seal does not open as another's. */
  open(sealed: string, hashText: string, owner: Owner): MacAddress {
    const address = macFromBytes(open(this.#dataKey(owner), sealed, hashText));
    if (address === undefined) throw new Error(`what is sealed as "${hashText}" is no station's address`);
    return address;
  }

  /** The same, or undefined when the seal or the customer's key is damaged. */
  tryOpen(sealed: string, hashText: string, owner: Owner): MacAddress | undefined {
    try {
      return this.open(sealed, hashText, owner);
    } catch {
      // AES-GCM says no more than that it does not fit.
      return undefined;
    }
  }

  /** Text of or about the customer. `context` is what it belongs to: it opens as nothing else. */
  sealText(text: string, owner: Owner, context: string): string {
    return seal(this.#dataKey(owner), Buffer.from(text), context);
  }

  /** Undefined when the seal or the customer's key is damaged, or the key was destroyed. */
  tryOpenText(sealed: string, owner: Owner, context: string): string | undefined {
    try {
      return open(this.#dataKey(owner), sealed, context).toString();
    } catch {
      // AES-GCM says no more than that it does not fit.
      return undefined;
    }
  }

  #dataKey({ customerId, dataKey }: Owner): Buffer {
    return open(this.#wrapKey, dataKey, `data key of ${customerId}`);
  }
}

/** Whose address it is, with the wrapped key as the ledger has it. */
export type Owner = { readonly customerId: string; readonly dataKey: string };
