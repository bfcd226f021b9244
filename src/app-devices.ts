import type { EventDraft } from './checkins/event.ts';
import { writeChanges } from './checkins/ledger-transaction.ts';
import type { Config } from './config/schema.ts';
import type { DirectoryIndex, Resolution } from './identity/directory-index.ts';
import { AddressSuccession } from './identity/address-succession.ts';
import { noteClaim } from './identity/device-conflicts.ts';
import { DeviceLinker, type TellRelinked } from './identity/device-linker.ts';
import { kindOf, namesOf } from './identity/identity-policy.ts';
import type { Registry } from './identity/registry.ts';
import type { Identity } from './observation/identity.ts';
import type { MacAddress } from './observation/mac-address.ts';
import type { Observation, ObservationSink } from './observation/observation.ts';
import { readHeard } from './presence/heard.ts';
import type { PresenceStore } from './presence/store.ts';
import type { Logger } from './runtime/logger.ts';
import type { Spaces } from './spaces/spaces.ts';

/** Whose a report is, by the rules of its space. */
export function createResolver(index: DirectoryIndex, spaces: Spaces) {
  return (
    station: MacAddress | undefined,
    identities: readonly Identity[] | undefined,
    spaceId: string,
  ): Resolution | undefined => {
    const policy = spaces.get(spaceId)?.identities;
    return policy && index.resolve(station, namesOf(identities, policy), policy);
  };
}

type OwnedHook = (observation: Observation, owner: Resolution) => Promise<void> | undefined;

/** Told of every report that has an owner; does nothing until it is given what to do. */
export type OwnedReports = { hear: OwnedHook };

export type DevicePorts = {
  readonly config: Config;
  readonly registry: Registry;
  readonly spaces: Spaces;
  readonly stores: readonly PresenceStore[];
  /** By the clock of presence, epoch milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  /** Takes a report that was taken before once more, which changes nothing but whose it is. */
  readonly sink: ObservationSink;
  readonly onRecorded: (lastSequence: number, events: readonly EventDraft[]) => void;
};

/** Notes that somebody wanted a device that is somebody else's, and tells of it once. */
export function createClaimNotes({ registry, onRecorded }: Pick<DevicePorts, 'registry' | 'onRecorded'>) {
  const { db, clock } = registry;
  return (station: MacAddress, claimantId: string): Promise<void> =>
    noteClaim(registry, station, claimantId, async (trx, { deviceId, holderId }) => {
      const who = { customerId: holderId, registeredTo: holderId, authenticatedAs: null, claimedBy: claimantId };
      const data = { ...who, deviceId, spaceId: null, kind: 'claim', accessPoints: [] } as const;
      const at = clock.now();
      const events: EventDraft[] = [{ type: 'device.conflict', at, data }];
      const lastSequence = await writeChanges(trx, db.kind, { visits: [], checkIns: [], events }, at);
      return () => lastSequence !== undefined && onRecorded(lastSequence, events);
    });
}

/** Keeps devices in step with what the network proves: their addresses, old and new. */
export function followDevices(ports: DevicePorts, reports: OwnedReports, stack: AsyncDisposableStack): void {
  const { config, registry, spaces, stores, now, log, sink, onRecorded } = ports;
  const { db, clock } = registry;
  const { quota, learn, retireAfter } = config.devices;
  const tell: TellRelinked = async (trx, relinked) => {
    const at = clock.now();
    const events = relinked.map((data): EventDraft => ({ type: 'device.relinked', at, data }));
    const lastSequence = await writeChanges(trx, db.kind, { visits: [], checkIns: [], events }, at);
    return () => lastSequence !== undefined && onRecorded(lastSequence, events);
  };
  const onError = (err: unknown, failures: number): void => {
    if (failures === 1) log.warn({ err }, 'devices cannot be kept in step with their addresses; trying again');
  };
  const heard = (customerIds: readonly string[]) =>
    readHeard(stores, spaces.list(), { lateWindow: config.lateWindow, now: now() }, customerIds);
  const linker = stack.use(new DeviceLinker({ ...registry, heard, tell, learn, quota, onError }));
  const succession = stack.use(new AddressSuccession({ ...registry, tell, quota, retireAfter, onError }));
  reports.hear = (observation, owner) => {
    const { station, spaceId, at, identities, kind, session } = observation;
    const { customerId, deviceId, provenBy } = owner;
    if (station === undefined) return undefined;
    if (provenBy === undefined) {
      succession.hear({ station, deviceId, spaceId, status: session?.status, octets: session?.octets });
      return undefined;
    }
    const policy = spaces.get(spaceId)?.identities;
    if (kind === 'left' || policy === undefined) return undefined;
    const again = (): void => sink.observe(observation, () => undefined);
    return linker.ask({ station, customerId, spaceId, evidence: kindOf(provenBy, identities, policy), at, again });
  };
}
