import type { MacAddress } from '../observation/mac-address.ts';
import { textOfBytes } from '../runtime/id.ts';
import type { AddressVault } from './address-vault.ts';
import type { DeviceClass } from './device-class.ts';
import { DirectoryTables } from './directory-tables.ts';
import { foldIdentity } from './fold-identity.ts';
import type { IdentityPolicy } from './identity-policy.ts';
import { none } from './slots.ts';
import { StationCache, unknown } from './station-cache.ts';

/** Whose station it is. */
export type Resolution = {
  readonly customerId: string;
  /** A registered device, or `sta_…`/`idn_…` for what is known through an identity alone. */
  readonly deviceId: string;
  readonly optedIn: boolean;
  /** What was seen before, epoch milliseconds, does not count; undefined: everything does. */
  readonly trackedSince?: number | undefined;
  /** What the device is; undefined when nobody said. */
  readonly deviceClass: DeviceClass | undefined;
  /** As whose device the station is registered, when the identity says that it is somebody else. */
  readonly registeredTo?: Disputant;
  /** Whom the identity names, when the station's registration counts for more. */
  readonly authenticatedAs?: Disputant;
  /** The identity that named the customer of a station that is not registered. */
  readonly provenBy?: string;
};

/** The other one of two customers who claim a device, and the device as it is registered. */
export type Disputant = {
  readonly customerId: string;
  readonly deviceId: string;
  readonly trackedSince?: number | undefined;
};

/** What a space makes of identities; see `IdentityPolicy`. */
type IdentityRules = Pick<IdentityPolicy, 'caseSensitive' | 'onConflict'>;
const identityWins: IdentityRules = { caseSensitive: false, onConflict: 'identity' };

/** Names of what is not registered, remembered so that they are not computed with every packet. */
const mostNames = 65_536;

/** Who is who, asked with every packet: in memory, without waiting, and without creating more than the answer. */
export class DirectoryIndex {
  readonly #vault: Pick<AddressVault, 'addressHash' | 'nameHash'>;
  readonly #cache = new StationCache();
  readonly #names = new Map<string, string>();
  #tables: DirectoryTables;
  #version = 0;

  constructor(vault: Pick<AddressVault, 'addressHash' | 'nameHash'>, tables = new DirectoryTables(0)) {
    this.#vault = vault;
    this.#tables = tables;
  }

  /** Goes up with every change. */
  get version(): number {
    return this.#version;
  }

  /** Registered addresses. */
  get size(): number {
    return this.#tables.size;
  }

  /**
   * The owner of a station, or of what the network authenticated. The identity wins, unless the rules say otherwise: it
   * was proven to the network, and an address is only what a device says of itself. Of several identities the first
   * that is known counts.
   */
  resolve(
    station: MacAddress | undefined,
    identities: readonly string[] | undefined,
    rules: IdentityRules = identityWins,
  ): Resolution | undefined {
    const row = station === undefined ? none : this.#find(station);
    const owner = row === none ? none : this.#tables.ownerOf(row);
    const name = identities === undefined ? undefined : this.#identify(identities, rules);
    const identified = name === undefined ? none : this.#tables.findIdentity(name, rules.caseSensitive);
    if (owner !== none && (identified === none || identified === owner)) return this.#registered(row, owner);
    if (name === undefined) return undefined;
    const isDisputed = owner !== none && this.#tables.isOptedIn(owner) && this.#tables.isOptedIn(identified);
    if (owner !== none && rules.onConflict === 'device') {
      const resolution = this.#registered(row, owner);
      if (!isDisputed) return resolution;
      const { deviceId } = resolution;
      const trackedSince = this.#tables.trackedSince(identified);
      const authenticatedAs = { customerId: this.#tables.customerId(identified), deviceId, trackedSince };
      return { ...resolution, authenticatedAs };
    }
    const resolution = {
      customerId: this.#tables.customerId(identified),
      deviceId: this.#nameOf(station, name),
      optedIn: this.#tables.isOptedIn(identified),
      trackedSince: this.#tables.trackedSince(identified),
      deviceClass: undefined,
    };
    if (owner === none) return station === undefined ? resolution : { ...resolution, provenBy: name };
    // Whoever has not opted in is not spoken of, nor is their device.
    if (!isDisputed) return resolution;
    const registeredTo = {
      customerId: this.#tables.customerId(owner),
      deviceId: this.#tables.deviceId(row),
      trackedSince: this.#tables.trackedSince(owner),
    };
    return { ...resolution, registeredTo };
  }

  /** Whether something may be kept of this customer at `now`, epoch milliseconds. */
  isTracked(customerId: string, now: number): boolean {
    const choice = this.#tables.choiceOf(customerId);
    return choice !== undefined && choice.optedIn && (choice.trackedSince ?? 0) <= now;
  }

  /** Applies changes to the tables that are in use. */
  update(change: (tables: DirectoryTables) => void) {
    change(this.#tables);
    this.#version += 1;
    if (this.#tables.takeRecycled()) this.#cache.clear();
    else this.#cache.forgetNobodies();
  }

  /** Puts tables that were built anew in the place of those in use. */
  replace(tables: DirectoryTables) {
    this.#tables = tables;
    this.#version += 1;
    this.#cache.clear();
  }

  #find(station: MacAddress): number {
    const cached = this.#cache.get(station);
    // A row that is remembered and was removed since may have a successor, if the address was registered again.
    if (cached !== unknown && (cached === none || this.#tables.holds(cached))) return cached;
    const row = this.#tables.findAddress(this.#vault.addressHash.digest(station));
    this.#cache.set(station, row);
    return row;
  }

  #registered(row: number, owner: number): Resolution {
    return {
      customerId: this.#tables.customerId(owner),
      deviceId: this.#tables.deviceId(row),
      optedIn: this.#tables.isOptedIn(owner),
      trackedSince: this.#tables.trackedSince(owner),
      deviceClass: this.#tables.deviceClass(row),
    };
  }

  #identify(identities: readonly string[], { caseSensitive }: IdentityRules): string | undefined {
    for (const identity of identities) {
      if (this.#tables.findIdentity(identity, caseSensitive) !== none) return identity;
    }
    return undefined;
  }

  #nameOf(station: MacAddress | undefined, identity: string): string {
    const key = station ?? foldIdentity(identity);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name =
      station === undefined
        ? `idn_${textOfBytes(this.#vault.nameHash(key))}`
        : `sta_${textOfBytes(this.#vault.addressHash.digest(station))}`;
    for (const oldest of this.#names.keys()) {
      if (this.#names.size < mostNames) break;
      this.#names.delete(oldest);
    }
    this.#names.set(key, name);
    return name;
  }
}
