/** How many more devices a customer may have. `quota` is what the configuration says; absent: as many as they like. */
export function devicesLeft(quota: number | undefined, has: number): number {
  return quota === undefined ? Number.POSITIVE_INFINITY : Math.max(0, quota - has);
}

type Used = { readonly id: string; readonly createdAt: number; readonly lastSeenAt: number | null };

/**
 * What is offered to be replaced by a new device: the one first that has been of no use for longest. One that was
 * never seen counts from its registration, since it may be waiting in a pocket for its first day.
 */
export function offerToReplace<Device extends Used>(devices: readonly Device[]): Device[] {
  const since = ({ lastSeenAt, createdAt }: Used) => lastSeenAt ?? createdAt;
  return devices.toSorted((a, b) => since(a) - since(b) || (a.id < b.id ? -1 : 1));
}
