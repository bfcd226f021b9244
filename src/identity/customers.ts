import type { Selectable, Transaction } from 'kysely';
import { inRegistryTransaction, type NoteChange } from '../db/registry-transaction.ts';
import type { CustomerTable, Schema } from '../db/schema.ts';
import type { Database } from '../db/database.ts';
import { Conflict } from './errors.ts';
import { foldIdentity } from './fold-identity.ts';
import type { Registry } from './registry.ts';

export type Customer = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  /** What the network may authenticate this customer as, as it was registered; in order. */
  readonly identities: readonly string[];
  readonly planId: string | null;
  readonly active: boolean;
  /** Null while nobody said; then `privacy.optIn` decides. */
  readonly optedIn: boolean | null;
  readonly shareName: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** What is left out stays as it is, so that one system's update does not undo what another has set. */
export type CustomerInput = {
  readonly name: string;
  readonly email?: string | null | undefined;
  readonly identities?: readonly string[] | undefined;
  readonly planId?: string | null | undefined;
  readonly active?: boolean | undefined;
  readonly optedIn?: boolean | null | undefined;
  readonly shareName?: boolean | undefined;
};

type CustomerRow = Selectable<CustomerTable>;

/** Throws `Conflict` when an identity is another customer's. */
export async function putCustomer(
  { db, clock, vault }: Registry,
  id: string,
  input: CustomerInput,
): Promise<{ readonly customer: Customer; readonly created: boolean }> {
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const now = clock.now();
    const before = await trx.selectFrom('customers').selectAll().where('id', '=', id).executeTakeFirst();
    const row: CustomerRow = {
      ...(before ?? { id, data_key: vault.createDataKey(id), created_at: now }),
      name: input.name,
      email: chosen(input.email, before?.email ?? null),
      plan_id: chosen(input.planId, before?.plan_id ?? null),
      active: toTruth(input.active) ?? before?.active ?? 1,
      opted_in: input.optedIn === undefined ? (before?.opted_in ?? null) : toTruth(input.optedIn ?? undefined),
      share_name: toTruth(input.shareName) ?? before?.share_name ?? 0,
      updated_at: now,
    };
    if (before === undefined) await trx.insertInto('customers').values(row).execute();
    else await trx.updateTable('customers').set(row).where('id', '=', id).execute();
    note('customer', id);
    audit({ customerId: id, details: input });
    if (input.identities !== undefined) await replaceIdentities(trx, note, id, input.identities);
    const identities = await identitiesOf(trx, [id]);
    return { customer: toCustomer(row, identities), created: before === undefined };
  });
}

export async function getCustomer(db: Database, id: string): Promise<Customer | undefined> {
  const row = await db.read.selectFrom('customers').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toCustomer(row, await identitiesOf(db.read, [id]));
}

/** In the order of their ids, from the one behind `after`. */
export async function listCustomers(
  db: Database,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<Customer[]> {
  let query = db.read.selectFrom('customers').selectAll().orderBy('id').limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  const rows = await query.execute();
  const ids = rows.map(({ id }) => id);
  const identities = await identitiesOf(db.read, ids);
  return rows.map((row) => toCustomer(row, identities));
}

async function replaceIdentities(
  trx: Transaction<Schema>,
  note: NoteChange,
  customerId: string,
  identities: readonly string[],
) {
  const wanted = new Map(identities.toReversed().map((spelling) => [foldIdentity(spelling), spelling]));
  const had = new Map((await identitiesOf(trx, [customerId])).map((row) => [row.identity, row.spelling]));
  const gone = [...had.keys()].filter((identity) => !wanted.has(identity));
  const added = [...wanted.keys()].filter((identity) => !had.has(identity));
  const respelled = [...wanted].filter(([identity, spelling]) => had.has(identity) && had.get(identity) !== spelling);
  if (added.length > 0) {
    const taken = await trx.selectFrom('identities').selectAll().where('identity', 'in', added).executeTakeFirst();
    if (taken) {
      const message = `an identity belongs to the customer "${taken.customer_id}"`;
      throw new Conflict('identityTaken', message, taken.customer_id);
    }
    const rows = added.map((identity) => ({
      identity,
      spelling: wanted.get(identity) ?? identity,
      customer_id: customerId,
    }));
    await trx.insertInto('identities').values(rows).execute();
  }
  for (const [identity, spelling] of respelled) {
    await trx.updateTable('identities').set({ spelling }).where('identity', '=', identity).execute();
  }
  if (gone.length > 0) await trx.deleteFrom('identities').where('identity', 'in', gone).execute();
  for (const identity of [...gone, ...added, ...respelled.map(([folded]) => folded)]) note('identity', identity);
}

type IdentityRow = { readonly identity: string; readonly spelling: string; readonly customer_id: string };

async function identitiesOf(
  reader: Database['read'] | Transaction<Schema>,
  customerIds: readonly string[],
): Promise<IdentityRow[]> {
  if (customerIds.length === 0) return [];
  return await reader
    .selectFrom('identities')
    .selectAll()
    .where('customer_id', 'in', customerIds)
    .orderBy('identity')
    .execute();
}

function toCustomer(row: CustomerRow, identities: readonly IdentityRow[]): Customer {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    identities: identities.filter((found) => found.customer_id === row.id).map(({ spelling }) => spelling),
    planId: row.plan_id,
    active: row.active === 1,
    optedIn: row.opted_in === null ? null : row.opted_in === 1,
    shareName: row.share_name === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function chosen(given: string | null | undefined, before: string | null): string | null {
  return given === undefined ? before : given;
}

function toTruth(value: boolean): 0 | 1;
function toTruth(value: boolean | undefined): 0 | 1 | null;
function toTruth(value: boolean | undefined): 0 | 1 | null {
  if (value === undefined) return null;
  return value ? 1 : 0;
}
