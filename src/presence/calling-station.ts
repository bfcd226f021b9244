import type { IpAddress } from '../observation/ip-address.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { AddressBook } from './address-book.ts';

/** Which station has a network address now, or why that cannot be said. */
export type CallingStation =
  | { readonly known: true; readonly station: MacAddress }
  | { readonly known: false; readonly reason: UnknownBecause };

/**
 * `unknownAddress`: no source knows it. `ambiguous`: several stations were said to have it, and none of them was said to
 * have gone. `shared`: a router, or something like one, answers for several devices.
 */
export type UnknownBecause = 'unknownAddress' | 'ambiguous' | 'shared';

export type CallingStationPorts = {
  readonly book: Pick<AddressBook, 'find'>;
  /** What this host's own neighbour table says. */
  readonly neighbour: (
    address: IpAddress,
  ) => Promise<{ readonly station: MacAddress | undefined; readonly isShared: boolean } | undefined>;
};

/**
 * All that is said must agree: an old lease and a neighbour of another name may be two people, and to guess would give
 * one of them the other's phone.
 */
export async function findStation(
  { book, neighbour }: CallingStationPorts,
  address: IpAddress,
): Promise<CallingStation> {
  const [holders, beside] = await Promise.all([book.find(address), neighbour(address)]);
  if (beside?.isShared === true) return { known: false, reason: 'shared' };
  const [station, ...others] = new Set([...holders, ...(beside?.station === undefined ? [] : [beside.station])]);
  if (station === undefined) return { known: false, reason: 'unknownAddress' };
  return others.length === 0 ? { known: true, station } : { known: false, reason: 'ambiguous' };
}
