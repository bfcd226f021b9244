import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';

export type TlsFiles = { readonly certFile: string; readonly keyFile: string };
type Pem = { readonly cert: Buffer; readonly key: Buffer };

/** The certificate for the first handshake. A pair that does not fit together is refused here, before anything listens. */
export function readCertificate({ certFile, keyFile }: TlsFiles): Pem {
  try {
    const pem = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    createSecureContext(pem);
    return pem;
  } catch (error) {
    throw new UserError(`cannot serve HTTPS with ${certFile} and ${keyFile}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Serves a renewed certificate without a restart. The files are looked at, not watched: a certificate that is
 * replaced by moving a symbolic link (Kubernetes secrets, certbot's live directory) gives a watcher no event.
 * Between the two files being written they do not match; then the old pair stays until the next look.
 */
export function keepCertificateFresh(server: Server, files: TlsFiles, log: Logger, everyMs = 1000): Disposable {
  let known = '';
  let warned = false;
  let looking = false;

  async function look(): Promise<void> {
    const marks = await Promise.all([stat(files.certFile), stat(files.keyFile)]);
    const mark = marks.map(({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`).join(' ');
    if (mark === known) return;
    const [cert, key] = await Promise.all([readFile(files.certFile), readFile(files.keyFile)]);
    server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    if (known !== '') log.info('serving the renewed certificate');
    known = mark;
    warned = false;
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        // Said once per trouble, and the old certificate goes on serving.
        if (!warned)
          log.warn({ err: error }, 'the TLS certificate cannot be read again; the last good one stays in use');
        warned = true;
      })
      .finally(() => {
        looking = false;
      });
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
