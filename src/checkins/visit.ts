/** The interval from arrival to departure, as the network saw it. Instants are epoch milliseconds. */
export type Visit = {
  readonly id: string;
  readonly customerId: string;
  readonly spaceId: string;
  readonly arrivedAt: number;
  readonly lastActivityAt: number;
  /** When the departure was decided; null while the visit is open. */
  readonly departedAt: number | null;
  readonly reason: 'idle' | null;
};
