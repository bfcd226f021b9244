import type { Transaction } from 'kysely';
import { presenceMember } from '../presence/keys.ts';
import type { Database } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import { newId } from '../runtime/id.ts';
import type { CheckIn, CheckInState, Method } from './check-in.ts';
import { loadDraft } from './draft.ts';
import { decideEntitlement } from './entitlement.ts';
import type { EventDraft } from './event.ts';
import { inLedgerTransaction, writeChanges, type LedgerChanges } from './ledger-transaction.ts';
import type { SpaceRules } from './record.ts';
import { newestFirst, toCheckIn, type CheckInPage } from './rows.ts';

export type CheckInFilter = {
  readonly spaceId?: string | undefined;
  /** Only these spaces, for a token that is bound to some. */
  readonly spaceIds?: readonly string[] | undefined;
  readonly customerId?: string | undefined;
  readonly state?: CheckInState | undefined;
  /** Started at or after, and before; epoch milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
};

export type CheckInResult =
  | { readonly result: 'checkedIn' | 'failed'; readonly checkIn: CheckIn }
  | { readonly result: 'alreadyIn'; readonly checkIn: CheckIn }
  | { readonly result: 'unknownCustomer' | 'unknownSpace' }
  /** The time lies before the end of an earlier check-in. */
  | { readonly result: 'overlaps'; readonly checkIn: CheckIn };

export type CheckOutResult =
  | { readonly result: 'checkedOut'; readonly checkIn: CheckIn }
  | { readonly result: 'notOpen'; readonly checkIn: CheckIn }
  | { readonly result: 'beforeStart'; readonly checkIn: CheckIn }
  | { readonly result: 'unknown' };

export type VoidResult =
  | { readonly result: 'voided'; readonly checkIn: CheckIn }
  | { readonly result: 'alreadyVoid'; readonly checkIn: CheckIn }
  | { readonly result: 'unknown' };

export type LedgerPorts = {
  readonly db: Database;
  readonly clock: Clock;
  readonly rules: (spaceId: string) => SpaceRules | undefined;
  readonly onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
};

/** Check-ins by hand, and the record of all of them. */
export class Ledger {
  readonly #ports: LedgerPorts;

  constructor(ports: LedgerPorts) {
    this.#ports = ports;
  }

  /** Newest first. */
  async list(filter: CheckInFilter, page: CheckInPage): Promise<CheckIn[]> {
    let query = newestFirst(this.#ports.db.read.selectFrom('check_ins').selectAll(), page);
    const { spaceId, spaceIds, customerId, state, from, to } = filter;
    if (spaceId !== undefined) query = query.where('space_id', '=', spaceId);
    if (spaceIds !== undefined) query = query.where('space_id', 'in', spaceIds);
    if (customerId !== undefined) query = query.where('customer_id', '=', customerId);
    if (state !== undefined) query = query.where('state', '=', state);
    if (from !== undefined) query = query.where('started_at', '>=', from);
    if (to !== undefined) query = query.where('started_at', '<', to);
    return (await query.execute()).map(toCheckIn);
  }

  async get(id: string): Promise<CheckIn | undefined> {
    const row = await this.#ports.db.read.selectFrom('check_ins').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toCheckIn(row);
  }

  /** Checks a customer in by another way than the network. A business "no" is recorded as a failed check-in. */
  async checkIn(
    entry: { readonly customerId: string; readonly spaceId: string; readonly at?: number | undefined },
    method: Exclude<Method, 'wifi'>,
  ): Promise<CheckInResult> {
    const { customerId, spaceId } = entry;
    const rules = this.#ports.rules(spaceId);
    if (rules === undefined) return { result: 'unknownSpace' };
    const now = this.#ports.clock.now();
    // A caller's clock may run a little ahead of ours; nothing happens after now.
    const at = Math.min(entry.at ?? now, now);
    return await this.#change<CheckInResult>(now, async (trx) => {
      const draft = await loadDraft(trx, this.#ports.db.kind, [customerId], []);
      const customer = draft.customers.get(customerId);
      if (customer === undefined) return { outcome: { result: 'unknownCustomer' } };
      const open = draft.openCheckIns.get(presenceMember(spaceId, customerId));
      if (open !== undefined) return { outcome: { result: 'alreadyIn', checkIn: open } };
      const last = await trx
        .selectFrom('check_ins')
        .selectAll()
        .where('customer_id', '=', customerId)
        .where('space_id', '=', spaceId)
        .where('state', '=', 'closed')
        .where('ended_at', '>', at)
        .limit(1)
        .executeTakeFirst();
      if (last !== undefined) return { outcome: { result: 'overlaps', checkIn: toCheckIn(last) } };
      const decision = rules.methods.includes(method)
        ? decideEntitlement({ customer, passes: draft.passes.get(customerId) ?? [], space: rules, at })
        : ({ granted: false, reason: 'methodDisabled' } as const);
      const checkIn: CheckIn = {
        id: newId('chk'),
        customerId,
        spaceId,
        // Someone whom the network sees already is in the same visit, and leaves with it.
        visitId: draft.openVisits.get(presenceMember(spaceId, customerId))?.id ?? null,
        state: decision.granted ? 'open' : 'failed',
        method,
        methods: [method],
        startedAt: at,
        endedAt: null,
        lastActivityAt: at,
        detectedAt: decision.granted ? null : now,
        checkOutMethod: null,
        checkOutReason: null,
        failureReason: decision.granted ? null : decision.reason,
        passId: decision.granted ? decision.passId : null,
        planId: customer.planId,
        deviceIds: [],
      };
      const type = decision.granted ? 'checkin.recorded' : 'checkin.failed';
      return {
        outcome: { result: decision.granted ? 'checkedIn' : 'failed', checkIn },
        changes: { visits: [], checkIns: [checkIn], events: [{ type, at: now, data: checkIn }] },
      };
    });
  }

  /** Checks out by hand. The visit goes on while the network sees the device, and opens nothing until it has been away. */
  async checkOut(id: string, options: { readonly at?: number | undefined }, method: Method): Promise<CheckOutResult> {
    const now = this.#ports.clock.now();
    const at = Math.min(options.at ?? now, now);
    return await this.#change<CheckOutResult>(now, async (trx) => {
      const row = await trx.selectFrom('check_ins').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return { outcome: { result: 'unknown' } };
      const open = toCheckIn(row);
      if (open.state !== 'open') return { outcome: { result: 'notOpen', checkIn: open } };
      if (at < open.startedAt) return { outcome: { result: 'beforeStart', checkIn: open } };
      const checkIn: CheckIn = {
        ...open,
        state: 'closed',
        endedAt: at,
        lastActivityAt: at,
        detectedAt: now,
        checkOutMethod: method,
        checkOutReason: 'manual',
      };
      return {
        outcome: { result: 'checkedOut', checkIn },
        changes: { visits: [], checkIns: [checkIn], events: [{ type: 'checkout.recorded', at: now, data: checkIn }] },
      };
    });
  }

  /** Takes a check-in back as a mistake. It stays in the ledger, as void. */
  async void(id: string, reason: string): Promise<VoidResult> {
    const now = this.#ports.clock.now();
    return await this.#change<VoidResult>(now, async (trx) => {
      const row = await trx.selectFrom('check_ins').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return { outcome: { result: 'unknown' } };
      const before = toCheckIn(row);
      if (before.state === 'void') return { outcome: { result: 'alreadyVoid', checkIn: before } };
      const checkIn: CheckIn = { ...before, state: 'void', detectedAt: before.detectedAt ?? now };
      return {
        outcome: { result: 'voided', checkIn },
        changes: {
          visits: [],
          checkIns: [checkIn],
          events: [{ type: 'checkin.voided', at: now, data: { ...checkIn, voidReason: reason } }],
        },
        details: { reason },
      };
    });
  }

  async #change<Outcome>(
    now: number,
    decide: (trx: Transaction<Schema>) => Promise<{
      readonly outcome: Outcome;
      readonly changes?: LedgerChanges;
      /** What the audit log is told beside the check-in. */
      readonly details?: object;
    }>,
  ): Promise<Outcome> {
    const { db, onRecorded } = this.#ports;
    const { outcome, changes, lastSequence } = await inLedgerTransaction(db, async (trx, audit) => {
      const decided = await decide(trx);
      for (const { id, customerId, spaceId, state } of decided.changes?.checkIns ?? []) {
        const outcome = state === 'failed' ? 'failed' : 'done';
        audit({ customerId, objectId: id, spaceId, outcome, details: decided.details });
      }
      const lastSequence = decided.changes && (await writeChanges(trx, db.kind, decided.changes, now));
      return { ...decided, lastSequence };
    });
    if (changes !== undefined && lastSequence !== undefined) onRecorded(lastSequence, changes.events);
    return outcome;
  }
}
