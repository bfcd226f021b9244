import type { Transition } from '../presence/transition.ts';

/** One entry of a transition stream, as ioredis reads it: its id, and names and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** The transition that an entry holds, or undefined for one that this version does not understand. */
export function parseTransition([id, fields]: StreamEntry): Transition | undefined {
  const values: Record<string, string | undefined> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) values[fields[i] as string] = fields[i + 1];
  const { type, visit, customer, space, arrivedAt, lastActivityAt, detectedAt, devices } = values;
  if (!visit || !customer || !space) return undefined;
  const times = [arrivedAt, lastActivityAt, detectedAt].map(Number);
  if (times.some((time) => !Number.isSafeInteger(time) || time <= 0)) return undefined;
  const common = {
    id,
    visitId: visit,
    customerId: customer,
    spaceId: space,
    arrivedAt: times[0] as number,
    lastActivityAt: times[1] as number,
    detectedAt: times[2] as number,
    deviceIds: devices ? devices.split(',') : [],
  };
  if (type === 'arrived' || type === 'backdated') return { ...common, type };
  return type === 'departed' ? { ...common, type, reason: 'idle' } : undefined;
}
