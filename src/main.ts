#!/usr/bin/env node
import { run } from './cli/run.ts';
import { onStopSignals } from './runtime/stop-signal.ts';

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
