import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.ts';
import { captureLog } from '../support/log-scan.ts';

export const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type RunOptions = { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> };

/** Starts the real command, with no more of our environment than it needs. */
export function startCommand(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd ?? '/',
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const capture = captureLog(args[0] ?? 'rollcall');
  child.stderr.on('data', (chunk: Buffer) => capture(chunk.toString()));
  // To print a token is what this one command is for.
  if (args[0] !== 'token') child.stdout.on('data', (chunk: Buffer) => capture(chunk.toString()));
  return child;
}

export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return outcomeOf(startCommand(args, options));
}

export type RunHereOptions = { readonly workingDir?: string; readonly isTTY?: boolean };

/** The same in this process, which takes a hundredth of the time: what `main.ts` does beside it is for others to test. */
export async function runHere(
  args: readonly string[],
  { workingDir = '/', isTTY = false }: RunHereOptions = {},
): Promise<Outcome> {
  const [stdout, stderr] = [new Text(isTTY), new Text(isTTY)];
  const stopSignal = () => new AbortController().signal;
  const code = await run(args, { environment: {}, workingDir, stdout, stderr, stopSignal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A terminal, or what stands in the place of one, that keeps what is written to it. */
export class Text extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void) {
    this.text += String(chunk);
    done();
  }
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
