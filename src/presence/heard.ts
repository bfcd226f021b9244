import type { Heard } from '../identity/linking.ts';
import { readPresence } from './state.ts';
import type { SpaceTiming } from './rules.ts';
import type { PresenceStore } from './store.ts';

/** What the network has shown lately of the devices of some customers, over all spaces; asked by customer and device. */
export async function readHeard(
  stores: readonly PresenceStore[],
  spaces: readonly SpaceTiming[],
  moment: { readonly lateWindow: number; readonly now: number },
  customerIds: readonly string[],
): Promise<(customerId: string, deviceId: string) => Heard | undefined> {
  const found = new Map<string, Heard>();
  for (const space of spaces) {
    const states = await readPresence(stores, space, moment, customerIds);
    states.forEach((state, index) => {
      for (const { deviceId, activeAt, reportedAt, associated, patienceMs: cadenceMs } of state?.links ?? []) {
        const key = `${customerIds[index] ?? ''}|${deviceId}`;
        const patienceMs = Math.max(space.idleTimeout, cadenceMs);
        const before = found.get(key);
        found.set(key, {
          isHere: before?.isHere === true || (associated && reportedAt + patienceMs > moment.now),
          activeAt: Math.max(before?.activeAt ?? 0, activeAt),
          patienceMs: Math.max(before?.patienceMs ?? 0, patienceMs),
        });
      }
    });
  }
  return (customerId, deviceId) => found.get(`${customerId}|${deviceId}`);
}
