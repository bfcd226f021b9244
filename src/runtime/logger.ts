import { pino } from 'pino';
import { toTerminalText } from './plain-text.ts';

export type { Logger } from 'pino';

/** One JSON line per event on standard error, since standard output belongs to the commands; pretty printing is for the reader's own tools. */
export function createLogger(options: { readonly level: string; readonly destination?: pino.DestinationStream }) {
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    inert(options.destination ?? pino.destination({ fd: 2, sync: false })),
  );
}

/** JSON escapes the control characters of ASCII alone; whoever reads a log in a terminal is to be safe from the others too. */
function inert<Destination extends pino.DestinationStream>(destination: Destination): Destination {
  const write = destination.write.bind(destination);
  destination.write = (line) => write(toTerminalText(line));
  return destination;
}
