import { isIP } from 'node:net';

/** Where a socket is opened. Port 0 lets the system choose. */
export type ListenAddress = { readonly host: string; readonly port: number };

/** `127.0.0.1:8080`, `[::1]:8080` -> address and port; undefined for anything else, host names included. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)):(?<port>\d{1,5})$/.exec(text.trim());
  if (match?.groups === undefined) return undefined;
  const { v4, v6, port } = match.groups;
  const host = v4 === 'localhost' ? '127.0.0.1' : (v4 ?? v6 ?? '');
  if (isIP(host) !== (v6 === undefined ? 4 : 6) || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}

export function formatListen({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach it. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host.startsWith('127.') || host === '::1';
}
