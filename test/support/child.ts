import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { captureLog } from './log-scan.ts';

export type ChildOptions = {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
};

const LOG_LIMIT = 200_000;
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.killGroup('SIGKILL');
});

/** A server run for a test, in a process group of its own, so that whatever it started goes with it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<number | string>;
  #log = '';
  #ended: number | string | undefined;

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    this.#name = [command, ...args].join(' ');
    this.#process = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    // Of our own command everything is kept, for the scan at the end of the run.
    const isOurs = args.some((arg) => arg.endsWith('/src/main.ts'));
    const capture = isOurs ? captureLog(args[1] ?? 'command') : () => undefined;
    const collect = (text: string) => {
      capture(text);
      this.#log = (this.#log + text).slice(-LOG_LIMIT);
    };
    this.#process.stdout?.setEncoding('utf8').on('data', collect);
    this.#process.stderr?.setEncoding('utf8').on('data', collect);
    this.#exited = this.#untilExit();
    running.add(this);
  }

  async #untilExit(): Promise<number | string> {
    try {
      const [code, signal] = (await once(this.#process, 'close')) as [number | null, string | null];
      this.#ended = code ?? signal ?? 'unknown';
    } catch (error) {
      this.#ended = String(error);
    }
    running.delete(this);
    return this.#ended;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Everything it wrote, standard output and standard error together; the last part when it was much. */
  get log(): string {
    return this.#log;
  }

  /** Exit code or signal; undefined while it runs. */
  get ended(): number | string | undefined {
    return this.#ended;
  }

  exited(): Promise<number | string> {
    return this.#exited;
  }

  /** Waits for something of the child's to come true, and fails at once, with its log, when the child dies instead. */
  async until(what: string, ask: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ask())) {
      if (this.#ended !== undefined)
        throw new Error(`${this.#name} ended with ${this.#ended} before ${what}:\n${this.#log}`);
      if (performance.now() > deadline) throw new Error(`${this.#name}: not ${what} in ${timeoutMs} ms:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  /** The process alone, as the kernel or an operator would hit it. */
  async kill(signal: NodeJS.Signals): Promise<number | string> {
    if (this.#ended === undefined) this.#process.kill(signal);
    return this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Everyone in the group is gone already, which is what was wanted.
    }
  }

  /** Ends it and everything that it started. */
  async stop(): Promise<void> {
    if (this.#ended === undefined) {
      this.#process.kill('SIGTERM');
      const patience = setTimeout(() => this.killGroup('SIGKILL'), 5_000);
      await this.#exited;
      clearTimeout(patience);
    }
    this.killGroup('SIGKILL');
  }
}

/** Processes that name this folder or work in it: what a killed server may have left behind. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => read(`/proc/${name}/cmdline`).includes(folder) || workingDirectory(name).startsWith(folder))
    .map(Number);
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Direct children of a process whose command line contains a word. */
export function childrenOf(pid: number, word: string): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((child) => child !== '' && read(`/proc/${child}/cmdline`).includes(word))
    .map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
