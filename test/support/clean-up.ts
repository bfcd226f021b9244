import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftNetworks } from './network.ts';

/** For all tests of one run: what any of them leaves behind is in one directory, which goes when the run is over. */
export async function setup(): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-tests-'));
  // PostgreSQL runs as a user of its own.
  await chmod(dir, 0o755);
  process.env['TMPDIR'] = dir;
  await removeLeftNetworks();
  return async () => {
    await removeLeftNetworks();
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  };
}
