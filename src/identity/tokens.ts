import { hash, randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { inRegistryTransaction } from '../db/registry-transaction.ts';
import { DatabaseError } from '../db/database-error.ts';
import type { TokenTable } from '../db/schema.ts';
import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import { newId } from '../runtime/id.ts';
import { UnknownCustomer } from './errors.ts';

/** The roles of interface.md. */
export const tokenRoles = ['admin', 'frontdesk', 'viewer', 'platform', 'kiosk', 'reader', 'member'] as const;
export type TokenRole = (typeof tokenRoles)[number];

export type Token = {
  readonly id: string;
  readonly role: TokenRole;
  readonly name: string;
  /** Null: every space. */
  readonly spaceIds: readonly string[] | null;
  /** Whose it is, for the role `member`. */
  readonly customerId: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
};

/** A token of a role that acts for one customer, or in some spaces, must say which. */
export type TokenInput = {
  readonly role: TokenRole;
  readonly name: string;
  readonly spaceIds?: readonly string[] | undefined;
  readonly customerId?: string | undefined;
  readonly expiresAt?: number | undefined;
};

const prefix = 'rc_';
const shape = /^rc_[\w-]{43}$/u;

/** Makes a token. Its text is in the answer and nowhere else: the ledger keeps a hash. */
export async function createToken(
  db: Database,
  clock: Clock,
  input: TokenInput,
): Promise<{ readonly id: string; readonly token: string }> {
  requireScope(input);
  const token = prefix + randomBytes(32).toString('base64url');
  const id = newId('tok');
  const row = {
    id,
    hash: hashToken(token),
    role: input.role,
    name: input.name,
    space_ids: input.spaceIds === undefined ? null : JSON.stringify(input.spaceIds),
    customer_id: input.customerId ?? null,
    created_at: clock.now(),
    expires_at: input.expiresAt ?? null,
    last_used_at: null,
    revoked_at: null,
  };
  try {
    await inRegistryTransaction(db, clock, async (trx, note, audit) => {
      await trx.insertInto('tokens').values(row).execute();
      note('token', id);
      audit({ customerId: input.customerId, objectId: id, details: { role: input.role } });
    });
  } catch (error) {
    if (input.customerId !== undefined && error instanceof DatabaseError && error.constraint === 'foreignKey') {
      throw new UnknownCustomer(input.customerId);
    }
    throw error;
  }
  return { id, token };
}

/** Whether there was such a token to revoke. */
export async function revokeToken(db: Database, clock: Clock, id: string): Promise<boolean> {
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const result = await trx
      .updateTable('tokens')
      .set({ revoked_at: clock.now() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n) return false;
    note('token', id);
    audit({ objectId: id });
    return true;
  });
}

/** Deletes tokens that expired, or were revoked, before that; how many. */
export async function forgetTokens(db: Database, before: number, limit: number): Promise<number> {
  const result = await db.write
    .deleteFrom('tokens')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('tokens')
        .select('id')
        .where((either) => either.or([either('revoked_at', '<', before), either('expires_at', '<', before)]))
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** In the order of their ids, from the one behind `after`; the revoked ones too. */
export async function listTokens(
  db: Database,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<Token[]> {
  let query = db.read.selectFrom('tokens').selectAll().orderBy('id').limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(toToken);
}

/** Whether anybody can act as an admin by a token of the ledger. */
export async function hasAdminToken(db: Database, clock: Clock): Promise<boolean> {
  const row = await db.read
    .selectFrom('tokens')
    .select('id')
    .where('role', '=', 'admin')
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', clock.now())]))
    .executeTakeFirst();
  return row !== undefined;
}

/** The token of this text, if it is one of ours and was not revoked; it may have expired since. */
export async function findToken(db: Database, text: string): Promise<Token | undefined> {
  if (!isTokenText(text)) return undefined;
  const row = await db.read
    .selectFrom('tokens')
    .selectAll()
    .where('hash', '=', hashToken(text))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row && toToken(row);
}

export function isTokenText(text: string): boolean {
  return shape.test(text);
}

/** 256 random bits cannot be guessed from their hash, so it need not be a slow one. */
export function hashToken(text: string): string {
  return hash('sha256', text, 'base64url');
}

function requireScope({ role, customerId, spaceIds }: TokenInput) {
  if ((role === 'member') !== (customerId !== undefined)) {
    throw new RangeError('a token of the role member, and no other, belongs to a customer');
  }
  if ((role === 'kiosk' || role === 'reader') && (spaceIds ?? []).length === 0) {
    throw new RangeError(`a token of the role ${role} belongs to a space`);
  }
}

function toToken(row: Selectable<TokenTable>): Token {
  return {
    id: row.id,
    role: row.role as TokenRole,
    name: row.name,
    spaceIds: row.space_ids === null ? null : (JSON.parse(row.space_ids) as string[]),
    customerId: row.customer_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
