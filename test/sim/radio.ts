import type { NasReset } from '../../src/observation/nas-reset.ts';
import type { Observation } from '../../src/observation/observation.ts';
import { trafficUntil, type Association, type Person } from './truth.ts';
import type { AccessPoint } from './venue.ts';

/** What an access point has to say of a session; times are milliseconds after the beginning of the day. */
export type Report = {
  readonly person: string;
  readonly device: string;
  readonly isLaptop: boolean;
  readonly accessPoint: AccessPoint;
  /** As the access point numbers it: unique only until it restarts. */
  readonly session: string;
  /** Unique for ever. */
  readonly trueSession: string;
  readonly status: 'start' | 'interim' | 'stop';
  readonly at: number;
  readonly octets: number | undefined;
  readonly lasted: number;
};

/** All that the access points had to say of a person, lost or not. `number` gives each session its id. */
export function reportAll(person: Person, number: (accessPoint: string, from: number) => number): Report[] {
  return person.associations.flatMap((association) => {
    const { accessPoint, from } = association;
    const isLaptop = person.devices.some(({ id, isLaptop }) => isLaptop && id === association.device);
    return reportsOf({ person: person.id, isLaptop }, association, number(accessPoint.name, from));
  });
}

function reportsOf(
  { person, isLaptop }: Pick<Report, 'person' | 'isLaptop'>,
  association: Association,
  number: number,
): Report[] {
  const { accessPoint, from, to, saysGoodbye, traffic, device, isCut = false } = association;
  const end = saysGoodbye || isCut ? to : to + accessPoint.inactivity;
  const session = `${accessPoint.name}-${number}`;
  const report = (status: Report['status'], at: number): Report => ({
    person,
    device,
    isLaptop,
    accessPoint,
    session,
    trueSession: `${session}@${from}-${person}`,
    status,
    at,
    octets: status === 'start' || !accessPoint.counts ? undefined : trafficUntil(traffic, at),
    lasted: at - from,
  });
  const reports = [report('start', from)];
  const { cadence } = accessPoint;
  if (cadence !== undefined) {
    for (let at = from + cadence; at < end; at += cadence) reports.push(report('interim', at));
  }
  if (!isCut) reports.push(report('stop', end));
  return reports;
}

/** As our source would read it; `at` in epoch milliseconds. */
export function toObservation(report: Report, at: number): Observation {
  const { device, accessPoint, session, status, octets, lasted } = report;
  const { name, spaceId, cadence, isSet } = accessPoint;
  return {
    sourceId: 'aps',
    spaceId,
    kind: status === 'stop' ? 'left' : 'associated',
    at: Math.round(at),
    station: device as NonNullable<Observation['station']>,
    nas: `${spaceId}/${name}`,
    session: {
      key: `${spaceId}/${name}|${session}`,
      status,
      durationMs: lasted,
      ...(octets !== undefined && { octets }),
    },
    ...(isSet && cadence !== undefined && { reportingInterval: cadence }),
  };
}

/** That it has restarted, likewise. */
export function toReset({ name, spaceId, cadence, isSet }: AccessPoint, at: number): NasReset {
  return {
    sourceId: 'aps',
    spaceId,
    nasKey: `${spaceId}/${name}`,
    kind: 'on',
    at,
    ...(isSet && cadence !== undefined && { reportingInterval: cadence }),
  };
}
