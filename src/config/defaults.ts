import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../runtime/user-error.ts';
import { parseConfig } from './parse.ts';
import type { Config } from './schema.ts';
import { reasonOf } from './secret-files.ts';

/** Where access points live: private and link-local ranges (RFC 1918, RFC 3927) and this machine. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '127.0.0.0/8'];

/** Letters and digits that nobody confuses when they type them into an access point. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** The configuration without a `rollcall.yaml`: one space, and RADIUS accounting from private addresses. */
export function openDefaultConfig(workingDir: string, mayWrite: boolean): { config: Config; radiusSecretFile: string } {
  const dataDir = resolve(workingDir, 'data');
  const radiusSecretFile = join(dataDir, 'radius-secret');
  const secret = openSecret(radiusSecretFile, mayWrite);
  const config = parseConfig({
    dataDir,
    spaces: [{ id: 'main', name: 'Main', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }],
    sources: [
      {
        id: 'radius',
        type: 'radius',
        space: 'main',
        clients: privateRanges.map((address) => ({ address, secret })),
      },
    ],
  });
  return { config, radiusSecretFile };
}

/** The secret of an earlier start, or a new one: 24 characters, 139 bits. */
function openSecret(file: string, mayWrite: boolean): string {
  const stored = readSecret(file);
  if (stored !== undefined) return stored;
  const secret = Array.from({ length: 24 }, () => alphabet[randomInt(alphabet.length)]).join('');
  if (!mayWrite) return secret;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Exclusive, so that of two first starts one wins and the other reads what that one wrote.
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error) {
    const winner = readSecret(file);
    if (winner !== undefined) return winner;
    throw new UserError(`cannot write "${file}" (${reasonOf(error)}); give this user the right to write there`);
  }
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    if (reasonOf(error) === 'no such file') return undefined;
    throw new UserError(`cannot read "${file}" (${reasonOf(error)}); give this user the right to read it`);
  }
}
