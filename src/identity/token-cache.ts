import { DatabaseError } from '../db/database-error.ts';
import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import { findToken, hashToken, isTokenText, type Token } from './tokens.ts';

const mostTokens = 1_000;
/** How long a token is good without another look at the ledger, should a revocation not have reached this node. */
const freshMs = 60_000;

type Entry = { readonly token: Token; readonly checkedAt: number };

/** Tokens in use, so that a call costs no query. A revoked one is forgotten as soon as the change is known. */
export class TokenCache {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Counts what was forgotten, so that an answer that was read before a revocation is not kept after it. */
  #generation = 0;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Whose token this is; undefined when it is nobody's, was revoked, or has expired. */
  async find(text: string): Promise<Token | undefined> {
    if (!isTokenText(text)) return undefined;
    const hash = hashToken(text);
    const entry = this.#entries.get(hash);
    const fresh = entry !== undefined && this.#clock.monotonic() - entry.checkedAt < freshMs;
    const token = fresh ? entry.token : await this.#look(text, hash);
    if (token === undefined) return undefined;
    return token.expiresAt !== null && token.expiresAt <= this.#clock.now() ? undefined : token;
  }

  /** A token changed, or with no id any may have. */
  forget(id?: string) {
    this.#generation += 1;
    if (id === undefined) this.#entries.clear();
    for (const [hash, { token }] of this.#entries) {
      if (token.id === id) this.#entries.delete(hash);
    }
  }

  async #look(text: string, hash: string): Promise<Token | undefined> {
    const generation = this.#generation;
    const token = await findToken(this.#db, text);
    this.#entries.delete(hash);
    if (token === undefined) return undefined;
    await this.#noteUse(token.id);
    if (generation === this.#generation) this.#keep(hash, token);
    return token;
  }

  #keep(hash: string, token: Token) {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < mostTokens) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(hash, { token, checkedAt: this.#clock.monotonic() });
  }

  /** Once a minute at most, since that is how often the ledger is asked; nobody's copy of the token changes by it. */
  async #noteUse(id: string) {
    const used = { last_used_at: this.#clock.now() };
    try {
      await this.#db.write.updateTable('tokens').set(used).where('id', '=', id).execute();
    } catch (error) {
      // A good token is good although nobody could write down that it was used.
      if (!(error instanceof DatabaseError)) throw error;
    }
  }
}
