import { execFile } from 'node:child_process';

export type RadclientOptions = {
  readonly port: number;
  readonly secret: string;
  readonly command?: 'acct' | 'status';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly timeoutSeconds?: number;
  readonly retries?: number;
};

export type RadclientResult = {
  readonly answered: boolean;
  /** `Accounting-Response`, say; absent when nothing acceptable came back. */
  readonly code?: string;
  /** Attributes of the answer, as radclient prints them. */
  readonly attributes: Readonly<Record<string, string>>;
  /** When radclient ended, by the monotonic clock: the answer was there by then. */
  readonly at: number;
  readonly output: string;
};

/** FreeRADIUS's own client, which checks what comes back; the judge of our answers that we did not write. */
export function radclient(options: RadclientOptions): Promise<RadclientResult> {
  const { port, secret, command = 'acct', attributes, timeoutSeconds = 2, retries = 1 } = options;
  const args = ['-x', '-t', String(timeoutSeconds), '-r', String(retries), `127.0.0.1:${port}`, command, secret];
  const input = Object.entries(attributes)
    .map(([name, value]) => `${name} = ${quote(value)}`)
    .join('\n');
  return new Promise((resolve, reject) => {
    const child = execFile('radclient', args, (error, stdout, stderr) => {
      const at = performance.now();
      const output = stdout + stderr;
      if (error !== null && error.code === 'ENOENT') return reject(error);
      const received = /^Received ([\w-]+) Id/m.exec(output);
      const after = received === null ? '' : output.slice(received.index);
      const pairs = [...after.matchAll(/^\t([\w-]+) = (.*)$/gm)].map(
        (match) => [match[1] ?? '', match[2] ?? ''] as const,
      );
      resolve({
        answered: error === null && received !== null,
        ...(received?.[1] === undefined ? {} : { code: received[1] }),
        attributes: Object.fromEntries(pairs),
        at,
        output,
      });
    });
    child.stdin?.end(`${input}\n`);
  });
}

/** Numbers and enumeration words go bare, hexadecimal too; the rest as radclient's quoted strings. */
function quote(value: string | number): string {
  if (typeof value === 'number' || /^0x[0-9a-f]+$/i.test(value)) return String(value);
  return /^(Start|Stop|Interim-Update|Accounting-On|Accounting-Off|Wireless-802\.11|\d+\.\d+\.\d+\.\d+)$/.test(value)
    ? value
    : JSON.stringify(value);
}
