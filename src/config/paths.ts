import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Problem } from './problem.ts';
import type { Config } from './schema.ts';
import { reasonOf } from './secret-files.ts';

/** A path in the file is relative to the file, wherever the command is run from. */
export function resolvePaths(config: Config, baseDir: string): Config {
  const { keyFile, http } = config;
  const tls = http.tls && {
    certFile: resolve(baseDir, http.tls.certFile),
    keyFile: resolve(baseDir, http.tls.keyFile),
  };
  return Object.freeze({
    ...config,
    dataDir: resolve(baseDir, config.dataDir),
    ...(keyFile === undefined ? {} : { keyFile: resolve(baseDir, keyFile) }),
    sources: Object.freeze(
      config.sources.map((source) =>
        source.type === 'dhcp' ? Object.freeze({ ...source, file: resolve(baseDir, source.file) }) : source,
      ),
    ),
    http: tls === undefined ? http : Object.freeze({ ...http, tls: Object.freeze(tls) }),
  });
}

/** Where the master key lies. */
export function masterKeyFile({ keyFile, dataDir }: Pick<Config, 'keyFile' | 'dataDir'>): string {
  return keyFile ?? join(dataDir, 'keys', 'master.key');
}

/** Files that the configuration names and the service cannot read. */
export function pathProblems({ http, keyFile }: Config): readonly Problem[] {
  return [
    ...unreadable(
      'keyFile',
      keyFile,
      `; make one by: head -c 32 /dev/urandom > "${keyFile}" && chmod 600 "${keyFile}"`,
    ),
    ...unreadable('http.tls.certFile', http.tls?.certFile),
    ...unreadable('http.tls.keyFile', http.tls?.keyFile),
  ];
}

function unreadable(path: string, file: string | undefined, advice = ''): readonly Problem[] {
  if (file === undefined) return [];
  try {
    accessSync(file, constants.R_OK);
    return [];
  } catch (error) {
    return [{ path, message: `cannot read the file "${file}" (${reasonOf(error)})${advice}` }];
  }
}
