import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logDirVariable, scanLogs } from './log-scan.ts';
import { removeLeftNetworks } from './network.ts';

/**
 * For all tests of one run: what any of them leaves behind is in one directory, which goes when the run is over. Before
 * that, the logs of all services are looked through: a secret or a person in one of them fails the run.
 */
export async function setup(): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-tests-'));
  // PostgreSQL runs as a user of its own.
  await chmod(dir, 0o755);
  process.env['TMPDIR'] = dir;
  const logs = join(dir, 'service-logs');
  process.env[logDirVariable] = logs;
  await removeLeftNetworks();
  return async () => {
    await removeLeftNetworks();
    const findings = scanLogs(logs);
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
    if (findings.length === 0) return;
    const lines = findings.map(({ file, line, what, text }) => `  ${file}:${line}: ${what}: ${text.slice(0, 300)}`);
    process.stderr.write(`\nT35: ${findings.length} lines of logs hold what no log may hold:\n${lines.join('\n')}\n`);
    process.exitCode = 1;
  };
}
