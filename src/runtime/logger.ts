import { pino } from 'pino';

export type { Logger } from 'pino';

/** One JSON line per event on standard output; pretty printing is for the reader's own tools. */
export function createLogger(options: { readonly level: string; readonly destination?: pino.DestinationStream }) {
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 2, sync: false }),
  );
}
