/** The ways in, and the ways out, that a space may use (interface.md, methods). */
export const methods = ['wifi', 'admin', 'pin', 'app', 'card', 'door'] as const;
export type Method = (typeof methods)[number];

export const checkInStates = ['open', 'closed', 'failed', 'void'] as const;
export type CheckInState = (typeof checkInStates)[number];

export const checkOutReasons = [
  'idle',
  'manual',
  'door',
  'limit',
  'cutOff',
  'transfer',
  'sourceLost',
  'erased',
] as const;
export type CheckOutReason = (typeof checkOutReasons)[number];

export const failureReasons = [
  'noPass',
  'passExpired',
  'passUsedUp',
  'limitReached',
  'customerInactive',
  'outsideHours',
  'spaceFull',
  'methodDisabled',
  'platformRefused',
] as const;
export type FailureReason = (typeof failureReasons)[number];

/** A ledger entry: what a visit, or an attempt to enter, meant to the business. Instants are epoch milliseconds. */
export type CheckIn = {
  readonly id: string;
  readonly customerId: string;
  readonly spaceId: string;
  /** The visit that opened or joined it; null while no network has seen the person. */
  readonly visitId: string | null;
  readonly state: CheckInState;
  /** How the person came in; `methods` also holds the later ways in which they were seen. */
  readonly method: Method;
  readonly methods: readonly Method[];
  readonly startedAt: number;
  /** The last activity, not the moment at which it was noticed. */
  readonly endedAt: number | null;
  readonly lastActivityAt: number;
  /** When the check-out was decided. */
  readonly detectedAt: number | null;
  readonly checkOutMethod: Method | null;
  readonly checkOutReason: CheckOutReason | null;
  readonly failureReason: FailureReason | null;
  readonly passId: string | null;
  readonly planId: string | null;
  readonly deviceIds: readonly string[];
};
