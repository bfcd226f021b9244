/** What the source needs of its section of the configuration; the validated section has this shape. */
export type PushSourceConfig = {
  readonly id: string;
  readonly space: string;
  /** `whsec_…`; batches are then signed with it, or with the one before it. */
  readonly secret?: { reveal(): string } | undefined;
  readonly previousSecret?: { reveal(): string } | undefined;
};
