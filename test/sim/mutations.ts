import type { Servers } from './servers.ts';
export async function seekMutations(_servers: Servers, _signal: AbortSignal): Promise<boolean> {
  return true;
}
