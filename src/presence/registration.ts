import type { MacAddress } from '../observation/mac-address.ts';
import type { RecordResult } from '../observation/observation.ts';
import type { Clock } from '../runtime/clock.ts';
import type { PresenceEngine } from './engine.ts';
import type { SpaceTiming } from './rules.ts';
import type { UnregisteredStations } from './unregistered.ts';

export type RegistrationPorts = {
  readonly clock: Clock;
  readonly engine: Pick<PresenceEngine, 'adopt'>;
  readonly unregistered: UnregisteredStations;
  readonly spaces: () => readonly SpaceTiming[];
};

/** Some stations were registered, of which most, after an import, are nowhere near. */
export async function welcomeAll(ports: RegistrationPorts, stations: readonly MacAddress[]): Promise<void> {
  const seen = new Set<MacAddress>();
  for (const { id } of ports.spaces())
    for (const station of await ports.unregistered.known(id, stations)) seen.add(station);
  for (const station of seen) await welcomeRegistered(ports, station);
}

/**
 * A station has just been registered: wherever it is active now, its owner arrives now, and it is unregistered no
 * more. What was seen of it before was nobody's, so the visit begins at this moment. The directory must know the
 * owner already.
 */
export async function welcomeRegistered(ports: RegistrationPorts, station: MacAddress): Promise<void> {
  const { clock, engine, unregistered, spaces } = ports;
  for (const space of spaces()) {
    const seen = await unregistered.find(space.id, station);
    if (seen === undefined) continue;
    const now = clock.now();
    if (now - seen.lastSeenAt <= space.idleTimeout && !seen.left) {
      const result = await new Promise<RecordResult>((done) => engine.adopt(space.id, station, seen, now, done));
      // It stays on the list, and its next report checks in instead.
      if (result === 'notRecorded') continue;
    }
    await unregistered.forget(seen.id);
  }
}
