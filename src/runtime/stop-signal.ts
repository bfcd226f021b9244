/**
 * A signal that is aborted when the process is asked to end. Asked again, the process ends at once: whoever presses
 * Ctrl+C twice does not want to wait.
 */
export function onStopSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort();
    });
  }
  return stop.signal;
}
