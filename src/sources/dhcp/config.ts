/** What the source needs of its section of the configuration; the validated section has this shape. */
export type DhcpSourceConfig = {
  readonly id: string;
  readonly space: string;
  /** Whose lease file it is. */
  readonly format: 'dnsmasq';
  readonly file: string;
  /** Milliseconds between two looks; changes that the system tells of are looked at at once. */
  readonly poll: number;
};
