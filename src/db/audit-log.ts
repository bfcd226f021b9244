import assert from 'node:assert/strict';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { actorAtWork } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import { anchorText, lineText, type UnsignedLine } from './audit-chain.ts';
import { bulkInsert, isAnyOf } from './bulk.ts';
import type { DatabaseKind } from './migrations/migration.ts';
import type { AuditTable, Schema } from './schema.ts';
import { nextNumbers } from './transaction.ts';

/** What only the holder of the master key can do. */
export type AuditKeys = {
  /** Keyed hash, by which a line can be told from one that somebody else has written into the database. */
  readonly sign: (text: string) => string;
  /** The pseudonym of a customer. */
  readonly subjectOf: (customerId: string) => string;
  /** Seals under the customer's own key, so that erasing the customer erases what is sealed. */
  readonly seal: (details: string, owner: { readonly customerId: string; readonly dataKey: string }) => string;
};

/**
 * `done`: it was; `failed`: it was recorded as a failure, as a check-in without a pass is; `unchanged`: a repeat, or one that
 * changed nothing; `forbidden`: the role of the token may not do this.
 */
export type AuditOutcome = 'done' | 'failed' | 'unchanged' | 'forbidden';

/** What is to be told. Who did it, and what it is called, is known from who is at work. */
export type AuditEntry = {
  readonly customerId?: string | null | undefined;
  /** Of a device, a pass, a check-in, a token; never an address. */
  readonly objectId?: string | null | undefined;
  readonly spaceId?: string | null | undefined;
  readonly outcome?: AuditOutcome;
  /** What was given; kept only together with a customer, under whose key it is sealed. Never an address. */
  readonly details?: object | undefined;
};

export type AuditLine = AuditEntry & {
  readonly at: number;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
};

/** Tells the audit log of something, in the transaction that does it. */
export type Audit = (entry: AuditEntry) => void;

/**
 * The audit log, as it is written: each line carries a keyed hash over itself and the line before. It is opened with the
 * master key, and without it nothing that has to be told can be done.
 */
export class AuditLog {
  readonly #kind: DatabaseKind;
  #opened: { readonly keys: AuditKeys; readonly clock: Clock } | undefined;

  constructor(kind: DatabaseKind) {
    this.#kind = kind;
  }

  open(keys: AuditKeys, clock: Clock): void {
    this.#opened = { keys, clock };
  }

  get keys(): AuditKeys {
    return this.#use().keys;
  }

  /** Appends what whoever is at work has done; answers how many lines that were. What the service does by itself is no matter here. */
  async appendForActor(trx: Transaction<Schema>, entries: readonly AuditEntry[]): Promise<number> {
    const actor = actorAtWork();
    if (actor === undefined || entries.length === 0) return 0;
    const { id, role, action } = actor;
    assert(action !== undefined, 'a change is made on behalf of somebody, and has no name in the audit log');
    await this.append(
      trx,
      entries.map((entry) => ({ ...entry, at: this.now(), actor: id, role, action })),
    );
    return entries.length;
  }

  now(): number {
    return this.#use().clock.now();
  }

  /** Last thing in a transaction, after every other counter: whoever holds this one waits for nobody. */
  async append(trx: Transaction<Schema>, lines: readonly AuditLine[]): Promise<void> {
    const { keys } = this.#use();
    const owners = await this.#owners(trx, lines);
    await rememberSubjects(trx, keys, [...owners.keys()]);
    const first = await nextNumbers(trx, 'audit', lines.length);
    let previous = await hashBefore(trx, first);
    const rows: Selectable<AuditTable>[] = [];
    for (const [index, line] of lines.entries()) {
      const unsigned = toUnsigned(line, first + index, previous, keys, owners);
      const hash = keys.sign(lineText(unsigned));
      rows.push({ ...unsigned, hash });
      previous = hash;
    }
    await bulkInsert(trx, this.#kind, 'audit', rows);
  }

  /** Removes the oldest lines, at most `limit`, as far as all of them are older than `before`. */
  async forget(trx: Transaction<Schema>, before: number, limit: number): Promise<number> {
    const { keys } = this.#use();
    const anchor = await trx.selectFrom('audit_anchor').select('sequence').executeTakeFirstOrThrow();
    const rows = await trx
      .selectFrom('audit')
      .select(['sequence', 'at', 'hash'])
      .where('sequence', '>', anchor.sequence)
      .orderBy('sequence')
      .limit(limit)
      .execute();
    const young = rows.findIndex(({ at }) => at >= before);
    const old = young === -1 ? rows : rows.slice(0, young);
    const last = old.at(-1);
    if (last === undefined) return 0;
    const { sequence, hash } = last;
    const proof = keys.sign(anchorText({ sequence, hash }));
    // First the anchor: the database lets nothing be deleted that lies behind it.
    await trx.updateTable('audit_anchor').set({ sequence, hash, proof }).execute();
    await trx.deleteFrom('audit').where('sequence', '<=', sequence).execute();
    return old.length;
  }

  /** The wrapped keys of the customers, none for those who are gone. On PostgreSQL they stay until the transaction ends. */
  async #owners(trx: Transaction<Schema>, lines: readonly AuditLine[]): Promise<Map<string, string>> {
    const ids = [...new Set(lines.flatMap(({ customerId }) => customerId ?? []))];
    if (ids.length === 0) return new Map();
    const query = trx
      .selectFrom('customers')
      .select(['id', 'data_key'])
      .where(isAnyOf(this.#kind, 'id', ids))
      .orderBy('id');
    const rows = await (this.#kind === 'postgres' ? query.forKeyShare() : query).execute();
    return new Map(rows.map((row) => [row.id, row.data_key]));
  }

  #use() {
    assert(
      this.#opened !== undefined,
      'the audit log needs the master key before anything is done on behalf of somebody',
    );
    return this.#opened;
  }
}

function toUnsigned(
  line: AuditLine,
  sequence: number,
  previousHash: string,
  keys: AuditKeys,
  owners: ReadonlyMap<string, string>,
): UnsignedLine {
  const { customerId, details } = line;
  const dataKey = customerId == null ? undefined : owners.get(customerId);
  return {
    sequence,
    at: line.at,
    actor: line.actor,
    actor_role: line.role,
    action: line.action,
    subject: customerId == null ? null : keys.subjectOf(customerId),
    object_id: line.objectId ?? null,
    space_id: line.spaceId ?? null,
    outcome: line.outcome ?? 'done',
    sealed:
      customerId == null || dataKey === undefined || details === undefined
        ? null
        : keys.seal(JSON.stringify(details), { customerId, dataKey }),
    previous_hash: previousHash,
  };
}

async function rememberSubjects(trx: Transaction<Schema>, keys: AuditKeys, customerIds: readonly string[]) {
  if (customerIds.length === 0) return;
  const rows = customerIds.map((id) => ({ subject: keys.subjectOf(id), customer_id: id }));
  for (let from = 0; from < rows.length; from += 1000) {
    await trx
      .insertInto('audit_subjects')
      .values(rows.slice(from, from + 1000))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** What the next line is chained to. A line that somebody has removed is for `verify` to find: it must not stop the house. */
async function hashBefore(db: Kysely<Schema>, sequence: number): Promise<string> {
  const line = await db
    .selectFrom('audit')
    .select('hash')
    .where('sequence', '=', sequence - 1)
    .executeTakeFirst();
  if (line !== undefined) return line.hash;
  const anchor = await db.selectFrom('audit_anchor').select(['sequence', 'hash']).executeTakeFirst();
  return anchor?.sequence === sequence - 1 ? anchor.hash : '';
}
