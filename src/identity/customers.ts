import type { Selectable, Transaction } from 'kysely';
import { inRegistryTransaction, type NoteChange } from '../db/registry-transaction.ts';
import type { CustomerTable, Schema } from '../db/schema.ts';
import type { Database } from '../db/database.ts';
import { Conflict, ErasureAtWork } from './errors.ts';
import { foldIdentity } from './fold-identity.ts';
import {
  choicesOf,
  nothingChosen,
  writeChoices,
  type PrivacyChoices,
  type PrivacyChoicesInput,
} from './privacy-choices.ts';
import type { Registry } from './registry.ts';

export type Customer = PrivacyChoices & {
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
export type CustomerInput = PrivacyChoicesInput & {
  readonly name: string;
  readonly email?: string | null | undefined;
  readonly identities?: readonly string[] | undefined;
  readonly planId?: string | null | undefined;
  readonly active?: boolean | undefined;
  readonly optedIn?: boolean | null | undefined;
  readonly shareName?: boolean | undefined;
};

type CustomerRow = Selectable<CustomerTable>;

/** Whose the visits and check-ins of erased people are. No id that somebody is given begins with such a character. */
export const erasedCustomerId = '_erased';

/** Throws `Conflict` when an identity is another customer's, and `ErasureAtWork`. */
export async function putCustomer(
  registry: Registry,
  id: string,
  input: CustomerInput,
): Promise<{ readonly customer: Customer; readonly created: boolean }> {
  const { db, clock, vault } = registry;
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const now = clock.now();
    const before = await trx.selectFrom('customers').selectAll().where('id', '=', id).executeTakeFirst();
    const earlier = await trx
      .selectFrom('erasures')
      .select(['customer_id', 'asked_at'])
      .where('hash', '=', vault.erasedHash(id))
      .executeTakeFirst();
    if (earlier !== undefined && earlier.customer_id !== null) throw new ErasureAtWork();
    // Somebody new under the id of somebody who was erased is known by having come later, whatever the clock says.
    const createdAt = Math.max(now, (earlier?.asked_at ?? 0) + 1);
    const row: CustomerRow = {
      ...(before ?? { id, data_key: vault.createDataKey(id), created_at: createdAt }),
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
    const beginsAgain = before?.opted_in === 0 && row.opted_in !== 0;
    const choices = await writeChoices(trx, id, input, { now, beginsAgain });
    const identities = await identitiesOf(trx, [id]);
    return { customer: toCustomer(row, identities, choices), created: before === undefined };
  });
}

export async function getCustomer(db: Database, id: string): Promise<Customer | undefined> {
  const row = await db.read.selectFrom('customers').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined || id === erasedCustomerId) return undefined;
  return toCustomer(row, await identitiesOf(db.read, [id]), (await choicesOf(db.read, [id])).get(id));
}

/** In the order of their ids, from the one behind `after`. */
export async function listCustomers(
  db: Database,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<Customer[]> {
  let query = db.read
    .selectFrom('customers')
    .selectAll()
    .where('id', '!=', erasedCustomerId)
    .orderBy('id')
    .limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  const rows = await query.execute();
  const ids = rows.map(({ id }) => id);
  const identities = await identitiesOf(db.read, ids);
  const choices = await choicesOf(db.read, ids);
  return rows.map((row) => toCustomer(row, identities, choices.get(row.id)));
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
  if (gone.length + added.length + respelled.length > 0) note('identity', customerId);
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

function toCustomer(
  row: CustomerRow,
  identities: readonly IdentityRow[],
  choices: PrivacyChoices = nothingChosen,
): Customer {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    identities: identities.filter((found) => found.customer_id === row.id).map(({ spelling }) => spelling),
    planId: row.plan_id,
    active: row.active === 1,
    optedIn: row.opted_in === null ? null : row.opted_in === 1,
    shareName: row.share_name === 1,
    ...choices,
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
