import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Database } from '../db/database.ts';
import { UserError } from '../runtime/user-error.ts';

const keyLength = 32;
const checkSetting = 'masterKeyCheck';

/** The one secret behind everything that is sealed or hashed at rest. It never leaves this object; its children do. */
export class MasterKey {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** 32 bytes for a purpose, always the same ones, from which neither this key nor another purpose's can be found. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, '', `rollcall ${purpose}`, keyLength));
  }
}

/** Where it is, unless the configuration says where. */
export function masterKeyFile(config: { readonly keyFile?: string; readonly dataDir: string }): string {
  return config.keyFile ?? join(config.dataDir, 'keys', 'master.key');
}

/**
 * Reads the master key, or makes one for a ledger that has none yet. A ledger remembers which key it was written with:
 * under another one every device would be a stranger, and nothing sealed could be opened.
 */
export async function openMasterKey(db: Database, file: string): Promise<MasterKey> {
  const row = await db.read.selectFrom('settings').select('value').where('key', '=', checkSetting).executeTakeFirst();
  const key = new MasterKey(readKey(file) ?? createKey(file, row !== undefined));
  const check = createHmac('sha256', key.derive('check')).digest('base64url');
  if (row === undefined) {
    const value = { key: checkSetting, value: check };
    await db.write
      .insertInto('settings')
      .values(value)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return row === undefined && (await isOurs(db, check)) ? key : refuse(file);
  }
  return isSame(row.value, check) ? key : refuse(file);
}

/** Two nodes may have started at once on an empty ledger: only one of them has written its check. */
async function isOurs(db: Database, check: string): Promise<boolean> {
  const { value } = await db.write
    .selectFrom('settings')
    .select('value')
    .where('key', '=', checkSetting)
    .executeTakeFirstOrThrow();
  return isSame(value, check);
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function refuse(file: string): never {
  throw new UserError(
    `the master key in "${file}" is not the one that this ledger was written with; put the right one back, or name it by keyFile`,
  );
}

/** 32 raw bytes, or their base64 for those who keep keys as text. Undefined when there is no such file. */
function readKey(file: string): Buffer | undefined {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `cannot read the master key "${file}" (${(error as Error).message}); make it readable for this user`,
      {
        cause: error,
      },
    );
  }
  // Group-readable is how orchestrators mount secrets; readable by everybody is a mistake.
  if ((statSync(file).mode & 0o007) !== 0) {
    throw new UserError(`the master key "${file}" is open to every user of this machine; run "chmod 600 ${file}"`);
  }
  const key = content.length === keyLength ? content : Buffer.from(content.toString('latin1').trim(), 'base64');
  if (key.length === keyLength) return key;
  throw new UserError(`the master key "${file}" is not 32 bytes, nor the base64 of 32 bytes; put the right file back`);
}

function createKey(file: string, ledgerHasOne: boolean): Buffer {
  if (ledgerHasOne) {
    throw new UserError(
      `there is no master key at "${file}", and this ledger was written with one; put it back, or name it by keyFile`,
    );
  }
  const key = randomBytes(keyLength);
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, key, { mode: 0o600, flush: true });
    chmodSync(draft, 0o600);
    // A link appears complete or not at all, and never replaces the key of someone who was faster.
    linkSync(draft, file);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readKey(file) ?? refuse(file);
    throw new UserError(
      `cannot write the master key "${file}" (${(error as Error).message}); make its directory writable for this user`,
      { cause: error },
    );
  } finally {
    rmSync(draft, { force: true });
  }
}
