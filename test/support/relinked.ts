import type { Relinked, TellRelinked } from '../../src/identity/device-linker.ts';

/** Keeps what was told once it was committed. */
export function rememberRelinked(): { readonly told: Relinked[]; readonly tell: TellRelinked } {
  const told: Relinked[] = [];
  return { told, tell: async (_trx, relinked) => () => void told.push(...relinked) };
}
