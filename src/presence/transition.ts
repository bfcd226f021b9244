/**
 * What the presence engine appends to a stream in the same atomic call that changed the state, and what the recorder
 * turns into ledger entries. Every transition names its visit, so that recording one twice has one effect.
 */
export type Transition = {
  /** Position in its stream, e.g. `1764000000000-3`. */
  readonly id: string;
  readonly visitId: string;
  readonly customerId: string;
  readonly spaceId: string;
  /** When the visit began, epoch milliseconds of the first evidence. */
  readonly arrivedAt: number;
  /** The latest activity, epoch milliseconds. */
  readonly lastActivityAt: number;
  /** When this was decided, epoch milliseconds by Redis' clock. */
  readonly detectedAt: number;
  /** Devices seen during the visit, first to last; ids of `devices`, or of stations known through an identity alone. */
  readonly deviceIds: readonly string[];
} & (
  | { readonly type: 'arrived' }
  | { readonly type: 'departed'; readonly reason: 'idle' }
  /** Late evidence shows that an open visit began earlier. */
  | { readonly type: 'backdated' }
);
