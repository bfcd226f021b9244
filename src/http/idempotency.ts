import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { callerOf } from './auth.ts';
import { fieldProblem, Problem } from './problem.ts';

/**
 * What a call made: its status, and the id to show it by, or a report that names nobody. Never its content, which may
 * name a person.
 */
export type Made = { readonly status: number; readonly id: string };

const keptMs = 24 * 60 * 60 * 1000;
/** Twice what a call may take; after that, whoever held the key is gone. */
const heldMs = 60_000;

/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a POST that is repeated with the same key has one
 * effect, and the repeat is answered with what the first one made, as it is now. Keys are known for a day, to every
 * node. Refused calls leave no trace, so that they can be mended and sent again under the same key.
 */
export class IdempotencyKeys {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #working = new Map<string, Promise<unknown>>();

  constructor(db: Database, clock: Clock, log: Logger) {
    this.#db = db;
    this.#clock = clock;
    this.#log = log;
  }

  /** `content` is what was sent, where it is not the parsed body. */
  async once(request: FastifyRequest, make: () => Promise<Made>, content?: Uint8Array): Promise<Made> {
    const key = keyOf(request);
    if (key === undefined) return make();
    const { tokenId } = callerOf(request);
    const hash = createHash('sha256')
      .update(`${request.method} ${request.url}\n`)
      .update(content ?? JSON.stringify(request.body ?? null))
      .digest('base64url');
    // A repeat that arrives here while the first call is at work waits for it instead of being sent away.
    const name = `${tokenId} ${key}`;
    for (;;) {
      const working = this.#working.get(name);
      if (working === undefined) break;
      await working.catch(() => undefined);
    }
    const work = this.#once(tokenId, key, hash, make);
    this.#working.set(name, work);
    try {
      return await work;
    } finally {
      if (this.#working.get(name) === work) this.#working.delete(name);
    }
  }

  async #once(tokenId: string, key: string, hash: string, make: () => Promise<Made>): Promise<Made> {
    const made = await this.#claim(tokenId, key, hash);
    if (made !== undefined) return made;
    const mine = this.#db.write;
    try {
      const result = await make();
      await mine
        .updateTable('idempotency_keys')
        .set({ status: result.status, body: result.id })
        .where('token_id', '=', tokenId)
        .where('key', '=', key)
        .execute();
      return result;
    } catch (error) {
      await mine
        .deleteFrom('idempotency_keys')
        .where('token_id', '=', tokenId)
        .where('key', '=', key)
        .where('status', 'is', null)
        .execute()
        .catch((cause: unknown) => this.#log.warn({ err: cause }, 'an idempotency key stays held for a minute'));
      throw error;
    }
  }

  /** Takes the key, or answers what its first call made. The primary key decides between two that come at once. */
  async #claim(tokenId: string, key: string, hash: string): Promise<Made | undefined> {
    const now = this.#clock.now();
    const taken = await this.#db.write
      .insertInto('idempotency_keys')
      .values({ token_id: tokenId, key, request_hash: hash, status: null, body: null, created_at: now })
      .onConflict((conflict) =>
        conflict
          .columns(['token_id', 'key'])
          .doUpdateSet({ created_at: now, request_hash: hash, status: null, body: null })
          .where((eb) =>
            eb.or([
              eb('idempotency_keys.created_at', '<', now - keptMs),
              eb.and([eb('idempotency_keys.status', 'is', null), eb('idempotency_keys.created_at', '<', now - heldMs)]),
            ]),
          ),
      )
      .returning('key')
      .executeTakeFirst();
    if (taken !== undefined) return undefined;
    const first = await this.#db.write
      .selectFrom('idempotency_keys')
      .select(['request_hash', 'status', 'body'])
      .where('token_id', '=', tokenId)
      .where('key', '=', key)
      .executeTakeFirst();
    if (first !== undefined && first.request_hash !== hash) {
      throw fieldProblem(422, 'idempotencyKeyReused', 'Idempotency-Key', 'was used for another request');
    }
    if (first?.status == null || first.body === null) {
      throw new Problem(409, 'idempotencyKeyInUse', 'the first request with this Idempotency-Key is still at work', {
        retryAfterMs: 1000,
      });
    }
    return { status: first.status, id: first.body };
  }
}

/** Deletes keys that are no longer known to anybody; how many. */
export async function forgetIdempotencyKeys(db: Database, before: number, limit: number): Promise<number> {
  const result = await db.write
    .deleteFrom('idempotency_keys')
    .where((eb) =>
      eb(
        eb.refTuple('token_id', 'key'),
        'in',
        eb
          .selectFrom('idempotency_keys')
          .select(['token_id', 'key'])
          .where('created_at', '<', before)
          .orderBy('created_at')
          .limit(limit)
          .$asTuple('token_id', 'key'),
      ),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw fieldProblem(400, 'invalidRequest', 'Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
}
