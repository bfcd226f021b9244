import { formatDuration } from '../runtime/duration.ts';
import type { SeenConflict } from '../identity/device-conflicts.ts';
import type { SystemTransition } from '../presence/transition.ts';
import type { EventDraft } from './event.ts';

/** The event of something that concerns no customer. It is named after its place in the stream, so that a repeat finds it. */
export function toSystemEvent(transition: SystemTransition): EventDraft & { readonly id: string } {
  const { at } = transition;
  const id = `evt_s${transition.id.replace('-', '_')}`;
  if (transition.type === 'clockStepped') return { id, at, type: 'clock.stepped', data: { jumpMs: transition.jumpMs } };
  if (transition.type === 'conflict') {
    const { customerId, spaceId, deviceId, registeredTo, authenticatedAs, nases } = transition;
    const kind = registeredTo === null ? 'twoPlaces' : 'twoCustomers';
    const data = { customerId, spaceId, deviceId, kind, accessPoints: nases, registeredTo } as const;
    return { id, at, type: 'device.conflict', data: { ...data, authenticatedAs, claimedBy: null } };
  }
  const { nas, since, cadenceMs } = transition;
  const isDown = transition.type === 'nasDown';
  const every = formatDuration(Math.max(1000, Math.round(cadenceMs / 1000) * 1000));
  return {
    id,
    at,
    type: isDown ? 'source.down' : 'source.up',
    data: {
      sourceId: nas.sourceId,
      spaceId: nas.spaceId,
      nas: nas.name,
      since,
      problem: isDown
        ? `nothing has come from the access point "${nas.name}", whose stations report every ${every}; nobody in its reach is checked out meanwhile: look at its power, its network, and its accounting server`
        : null,
    },
  };
}

/** What an admin has to settle, among what has just been recorded. */
export function toSeenConflicts(events: readonly EventDraft[]): SeenConflict[] {
  return events.flatMap(({ type, at, data }) => {
    if (type !== 'device.conflict' || data.authenticatedAs === null) return [];
    return [{ deviceId: data.deviceId, claimantId: data.authenticatedAs, kind: 'identity', at }];
  });
}
