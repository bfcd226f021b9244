import { tokenRoles, type Token, type TokenRole } from '../identity/tokens.ts';

export type Role = TokenRole;
export const roles = tokenRoles;

/**
 * What a route says about its callers; `admin` may call everything. `open` widens it: to everyone, to callers on this
 * machine, or to calls without a token that carry a signature, which the route then verifies.
 */
export type Access = {
  readonly roles: readonly Role[];
  readonly open?: 'everyone' | 'thisMachine' | 'signed';
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

export function toCaller({ id, role, spaceIds, customerId }: Token): Caller {
  return {
    tokenId: id,
    role,
    ...(spaceIds === null ? {} : { spaceIds }),
    ...(customerId === null ? {} : { customerId }),
  };
}

/** Whether objects of this space exist, as far as this caller is told. */
export function seesSpace(caller: Caller, spaceId: string): boolean {
  return caller.spaceIds === undefined || caller.spaceIds.includes(spaceId);
}

/** Whole hardware addresses are for those who keep them in step; everyone else sees the last two octets. */
export function seesAddresses(caller: Caller): boolean {
  return caller.role === 'admin' || caller.role === 'platform';
}
