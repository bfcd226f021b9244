import { pino } from 'pino';

export type { Logger } from 'pino';

/** One JSON line per event on standard error, since standard output belongs to the commands; pretty printing is for the reader's own tools. */
export function createLogger(options: { readonly level: string; readonly destination?: pino.DestinationStream }) {
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 2, sync: false }),
  );
}
