/** What a constraint refused. A caller that expects one turns it into its own answer. */
export type Constraint = 'unique' | 'foreignKey' | 'notNull' | 'check' | 'other';

/** The database failed, or refused. */
export class DatabaseError extends Error {
  /** The same work may succeed later, unchanged: the server is away, a disk is full, a lock was held too long. */
  readonly retryable: boolean;
  /** Two transactions got in each other's way, and this one was undone to let the other pass. */
  readonly conflict: boolean;
  readonly constraint: Constraint | undefined;

  constructor(message: string, options: DatabaseErrorOptions) {
    super(message, { cause: options.cause });
    this.name = 'DatabaseError';
    this.conflict = options.conflict ?? false;
    this.retryable = options.retryable ?? this.conflict;
    this.constraint = options.constraint;
  }
}

export type DatabaseErrorOptions = {
  readonly retryable?: boolean;
  readonly conflict?: boolean;
  readonly constraint?: Constraint | undefined;
  readonly cause?: unknown;
};
