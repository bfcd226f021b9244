import type { Lease, LeaseList } from './lease.ts';

/** A lease that the file had, and since when it has it no more. */
export type KnownLease = Lease & { readonly missingSince?: number };
export type KnownLeases = ReadonlyMap<string, KnownLease>;

/** One look at a lease file. Instants are epoch milliseconds. */
export type Look = LeaseList & {
  readonly at: number;
  /** When the file was last written, between the look before and this one. */
  readonly writtenAt: number;
};

/** `granted`: the device asked for its address, anew or once more. `released`: it gave it back, or was told to. */
export type LeaseChange = { readonly kind: 'granted' | 'released'; readonly lease: Lease; readonly at: number };

/** The file is written in place, beginning with nothing: what is not in it must be missing for so long. */
const confirmMs = 1_000;

/**
 * What happened between two looks. The first look tells nothing: a lease says that a device was here at some moment of
 * the hours that it is valid for, not that it is here. A lease whose end has moved was renewed. One that is gone before
 * its end was released; but a file that has lost all of several is a new file, and nobody's departure.
 */
export function compareLeases(
  before: KnownLeases | undefined,
  look: Look,
): { readonly known: KnownLeases; readonly changes: readonly LeaseChange[] } {
  const known = new Map<string, KnownLease>(look.leases.map((lease) => [leaseKey(lease), lease]));
  if (before === undefined) return { known, changes: [] };
  const changes: LeaseChange[] = [];
  for (const [key, lease] of known) {
    const earlier = before.get(key);
    const isGranted = earlier === undefined || (lease.until !== undefined && lease.until !== earlier.until);
    if (isGranted && !isOver(lease, look.at)) changes.push({ kind: 'granted', lease, at: look.writtenAt });
  }
  const missing = [...before].filter(([key, lease]) => !known.has(key) && !isOver(lease, look.at));
  const isOtherFile = look.leases.length === 0 && look.isComplete && before.size > 1;
  for (const [key, lease] of missing) {
    const missingSince = lease.missingSince ?? look.at;
    if (!look.isComplete || look.at - missingSince < confirmMs) known.set(key, { ...lease, missingSince });
    else if (!isOtherFile) changes.push({ kind: 'released', lease, at: missingSince });
  }
  return { known, changes };
}

/** Whether some lease is missing, so that it must be looked again soon. */
export function isUnsure(known: KnownLeases, { isComplete }: LeaseList): boolean {
  return !isComplete || [...known.values()].some(({ missingSince }) => missingSince !== undefined);
}

export function leaseKey({ station, ipAddress }: Lease): string {
  return `${station} ${ipAddress}`;
}

function isOver({ until }: Lease, at: number): boolean {
  return until !== undefined && until <= at;
}
