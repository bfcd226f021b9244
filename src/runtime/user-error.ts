/**
 * An expected failure that whoever runs the command can mend: a port taken, a server unreachable, a file unreadable.
 * The message is one sentence that says what to do; the command prints it alone, without a stack, and exits with 1.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** What programs are told beside the sentence, with `--json`. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly facts?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options);
    this.facts = options.facts ?? {};
  }
}
