export type BackoffLimits = { readonly firstMs: number; readonly mostMs: number };

/**
 * How long to wait after the `failures`-th failure in a row: doubling, up to a limit, less a random part of up to a
 * half, so that many who failed together do not return together. `random` is a number from 0 to 1.
 */
export function backoffMs(failures: number, { firstMs, mostMs }: BackoffLimits, random: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random / 2);
}
