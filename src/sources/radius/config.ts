/** What the source needs of its section of the configuration; the validated section has this shape. */
export type RadiusSourceConfig = {
  readonly id: string;
  /** Space of the clients that name none. */
  readonly space: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly clients: readonly RadiusClientConfig[];
};

export type RadiusClientConfig = {
  /** An address, or a range as `address/length`. */
  readonly address: string;
  readonly secret: { reveal(): string };
  /** Still accepted while the access points are given the new one. */
  readonly previousSecret?: { reveal(): string } | undefined;
  readonly space?: string | undefined;
  /** Milliseconds between two interims of a session. */
  readonly reportingInterval?: number | undefined;
  readonly requireMessageAuthenticator?: boolean | undefined;
};
