import type { AddressHold } from '../../observation/address-hold.ts';
import type { Observation } from '../../observation/observation.ts';
import type { LeaseChange } from './changes.ts';
import type { Lease } from './lease.ts';

type Origin = { readonly sourceId: string; readonly spaceId: string };

/** What a change of a lease says: `associated`, since who asks for an address has joined, and `left` for one given back. */
export function mapChange({ kind, lease, at }: LeaseChange, { sourceId, spaceId }: Origin): Observation {
  const { station, ipAddress, hostname, until } = lease;
  return {
    sourceId,
    spaceId,
    kind: kind === 'granted' ? 'associated' : 'left',
    at,
    station,
    ipAddress,
    ...(hostname !== undefined && { hostname }),
    ...(isDate(until) && { ipAddressUntil: until }),
  };
}

export function mapLease({ station, ipAddress, until }: Lease, at: number, { sourceId }: Origin): AddressHold {
  return { sourceId, station, ipAddress, at, ...(isDate(until) && { until }) };
}

function isDate(until: number | undefined): until is number {
  return until !== undefined && Number.isFinite(until);
}
