/** The finest thing that a source can tell: who is joined, who was heard, or how much was sent. */
export type Precision = 'associated' | 'active' | 'bytes';

export type SourceStatus = {
  readonly state: 'up' | 'down' | 'starting';
  /** Since when the state lasts, epoch milliseconds. */
  readonly since: number;
  /** When the last recorded observation came in, epoch milliseconds. */
  readonly lastObservationAt?: number;
  /** How many observations were recorded since the start. */
  readonly observations: number;
  /** One sentence for the person who can mend it. */
  readonly problem?: string;
};

/**
 * What feeds observations in. `start` resolves once the source listens or polls, and throws a `UserError` when it can't
 * because of something that whoever runs the service can mend. Disposing stops taking anything in, lets what is under
 * way be recorded, and closes.
 */
export interface Source extends AsyncDisposable {
  readonly id: string;
  readonly type: string;
  /** The space of what says nothing else. */
  readonly spaceId: string;
  readonly precision: Precision;
  start(): Promise<void>;
  status(): SourceStatus;
}
