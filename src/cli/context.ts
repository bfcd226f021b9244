import type { WriteStream } from 'node:tty';
import type { Environment } from '../config/interpolate.ts';

/** What a command knows of the process it runs in. */
export type CommandContext = {
  readonly environment: Environment;
  readonly workingDir: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by the first SIGTERM or SIGINT; a second one ends the process at once. */
  readonly stopSignal: () => AbortSignal;
};

export type Output = Pick<WriteStream, 'write'> & NodeJS.WritableStream & { readonly isTTY?: boolean };
