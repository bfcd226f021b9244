/** Who may call what. Every route names its roles; `admin` may call everything. */
export const roles = ['admin', 'frontdesk', 'viewer', 'platform', 'kiosk', 'reader', 'member'] as const;
export type Role = (typeof roles)[number];

/** What a route says about its callers. `open` widens it: to everyone, or to callers on this machine. */
export type Access = {
  readonly roles: readonly Role[];
  readonly open?: 'everyone' | 'thisMachine';
};

export const everyone: Access = { roles: [], open: 'everyone' };

export function allow(...others: readonly Exclude<Role, 'admin'>[]): Access {
  return { roles: ['admin', ...others] };
}

/** Whoever made the call, once their token is known to be good. */
export type Caller = {
  /** Names the token, for rate limits and idempotency keys; never the token itself. */
  readonly tokenId: string;
  readonly role: Role;
  /** Absent: every space. */
  readonly spaceIds?: readonly string[];
  /** The one customer that a token of the role `member` belongs to. */
  readonly customerId?: string;
};

/** Whether objects of this space exist, as far as this caller is told. */
export function seesSpace(caller: Caller, spaceId: string): boolean {
  return caller.spaceIds === undefined || caller.spaceIds.includes(spaceId);
}

/** The spaces a list is limited to: the one asked for, or all of the caller's; undefined for every space. */
export function visibleSpaces(caller: Caller, asked: string | undefined): readonly string[] | undefined {
  return asked === undefined ? caller.spaceIds : [asked];
}

/** Whole hardware addresses are for those who keep them in step; everyone else sees the last two octets. */
export function seesAddresses(caller: Caller): boolean {
  return caller.role === 'admin' || caller.role === 'platform';
}
