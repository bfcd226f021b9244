import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Load = {
  readonly port: number;
  readonly secret: string;
  readonly devices: number;
  /** Number of the first of them; 0 when left out. */
  readonly first?: number;
  readonly status?: 'start' | 'interim' | 'stop';
  /** Counters grow with the round; one round visits every device once. */
  readonly round?: number;
  /** Exactly one of the two. */
  readonly requests?: number;
  readonly seconds?: number;
  /** Requests offered per second; as many as the window allows when left out. */
  readonly rate?: number;
  readonly sockets?: number;
  readonly window?: number;
};

/** What the sender measured; it prints this as JSON. */
export type LoadResult = {
  readonly acknowledgedPerSecond: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly repeated: number;
  readonly badAuthenticators: number;
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly elapsedSeconds: number;
};

export interface Sender extends Disposable {
  run(load: Load): Promise<LoadResult>;
}

/** Compiles the sender for this machine. It is written in C, so that it is the server that is measured and not the sender. */
export function buildSender(): Sender {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-sender-'));
  const program = join(dir, 'sender');
  const source = fileURLToPath(new URL('sender.c', import.meta.url));
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, source, '-lm'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return {
    run: (load) => runSender(program, load),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function runSender(program: string, load: Load): Promise<LoadResult> {
  const args = Object.entries(load).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 300_000 }, (error, stdout, stderr) => {
      if (stdout === '')
        return reject(
          new Error(`the sender failed: ${stderr || (error?.message ?? 'it said nothing')}`, { cause: error }),
        );
      const result = JSON.parse(stdout) as LoadResult;
      // A run in which anything went unanswered or was answered wrongly measures nothing.
      if (error !== null) return reject(new Error(`the sender was not answered as it must be: ${stdout.trim()}`));
      resolve(result);
    });
  });
}
