#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// What was compiled once starts in half the time and takes 40 MB less. The place is the program's own: whoever could
// write there could write the program. Where it is read-only, the program does without.
enableCompileCache(new URL('../node_modules/.cache/compiled', import.meta.url).pathname);
const { run } = await import('./cli/run.ts');
const { onStopSignals } = await import('./runtime/stop-signal.ts');

// The reader of a pipe may leave early (`rollcall config print | head -1`); that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  workingDir: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stopSignal: onStopSignals,
});

// Everything is closed by now, and the process ends by itself; if something were left open, it must not hang.
setTimeout(() => process.exit(), 1000).unref();
