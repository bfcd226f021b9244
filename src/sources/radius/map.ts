import ipaddr from 'ipaddr.js';
import type { NasReset } from '../../observation/nas-reset.ts';
import type { Observation, SessionReport } from '../../observation/observation.ts';
import { sessionKey } from '../../observation/session-key.ts';
import { acctStatusType, attributeType } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';
import { resolveEventTime, type ClockDoubt, type EventTime } from './event-time.ts';
import { readIdentities } from './identities.ts';
import type { NasClocks } from './nas-clocks.ts';
import { readNasKey } from './nas.ts';
import { readPlace } from './place.ts';
import { readStation } from './station.ts';

/** Where a packet came from, as far as its own bytes don't say. */
export type Origin = {
  readonly sourceId: string;
  readonly spaceId: string;
  readonly senderAddress: string;
  readonly clocks: NasClocks;
  /** How often its access points send interims, milliseconds, where it is configured. */
  readonly reportingInterval?: number | undefined;
  /** Older evidence moves nothing, milliseconds. */
  readonly lateWindow: number;
};

/** Why a genuine packet leads to nothing. It is acknowledged all the same: repeating it would not help. */
export type IgnoredReason = 'replay' | 'noStation' | 'otherStatus';

export type Mapped =
  | { readonly type: 'observation'; readonly observation: Observation; readonly doubt?: ClockDoubt | undefined }
  | { readonly type: 'nasReset'; readonly reset: NasReset; readonly doubt?: ClockDoubt | undefined }
  | { readonly type: 'ignored'; readonly reason: IgnoredReason };

type SessionStatus = SessionReport['status'];
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What an accounting request says, in the words of everything behind the sources. */
export function mapAccounting(packet: RadiusPacket, arrivedAt: number, origin: Origin): Mapped {
  const status = packet.integer(attributeType.acctStatusType);
  switch (status) {
    case acctStatusType.start:
      return mapSession(packet, 'start', arrivedAt, origin);
    case acctStatusType.interimUpdate:
      return mapSession(packet, 'interim', arrivedAt, origin);
    case acctStatusType.stop:
      return mapSession(packet, 'stop', arrivedAt, origin);
    case acctStatusType.accountingOn:
      return mapReset(packet, 'on', arrivedAt, origin);
    case acctStatusType.accountingOff:
      return mapReset(packet, 'off', arrivedAt, origin);
    case undefined:
    default:
      return { type: 'ignored', reason: 'otherStatus' };
  }
}

function mapSession(packet: RadiusPacket, status: SessionStatus, arrivedAt: number, origin: Origin): Mapped {
  const nas = readNasKey(packet, origin.spaceId, origin.senderAddress);
  const time = readEventTime(packet, arrivedAt, nas, origin);
  if (time.replay === true) return { type: 'ignored', reason: 'replay' };
  const station = readStation(packet);
  const identities = readIdentities(packet, station);
  if (station === undefined && identities === undefined) return { type: 'ignored', reason: 'noStation' };
  const place = readPlace(packet);
  // Without the id that RFC 2866, section 5.5 demands, one station has one session per NAS.
  const session = packet.text(attributeType.acctSessionId) ?? '~';
  const { sourceId, spaceId } = origin;
  const kind = status === 'stop' ? 'left' : 'associated';
  const report: Writable<SessionReport> = { key: sessionKey(nas, session), status };
  const observation: Writable<Observation> = { sourceId, spaceId, kind, at: time.at, session: report, nas };
  // Assigned one by one: spreading optional parts into a literal costs more here than reading the attributes does.
  const octets = readOctets(packet);
  if (octets !== undefined) report.octets = octets;
  const seconds = packet.integer(attributeType.acctSessionTime);
  if (seconds !== undefined) report.durationMs = seconds * 1000;
  if (origin.reportingInterval !== undefined) observation.reportingInterval = origin.reportingInterval;
  if (station !== undefined) observation.station = station;
  if (identities !== undefined) observation.identities = identities;
  const ipAddress = readIpAddress(packet);
  if (ipAddress !== undefined) observation.ipAddress = ipAddress;
  if (place.accessPoint !== undefined) observation.accessPoint = place.accessPoint;
  if (place.ssid !== undefined) observation.ssid = place.ssid;
  return { type: 'observation', doubt: time.doubt, observation };
}

function mapReset(packet: RadiusPacket, kind: NasReset['kind'], arrivedAt: number, origin: Origin): Mapped {
  const nas = readNasKey(packet, origin.spaceId, origin.senderAddress);
  // A NAS without a battery begins at its firmware's date again, and says Accounting-On with it.
  if (kind === 'on') origin.clocks.forget(nas);
  const time = readEventTime(packet, arrivedAt, nas, origin);
  if (time.replay === true) return { type: 'ignored', reason: 'replay' };
  const { bssid } = readPlace(packet);
  const { sourceId, spaceId, reportingInterval } = origin;
  const reset: Writable<NasReset> = { sourceId, spaceId, nasKey: nas, kind, at: time.at };
  if (reportingInterval !== undefined) reset.reportingInterval = reportingInterval;
  if (bssid !== undefined) reset.accessPoint = bssid;
  return { type: 'nasReset', doubt: time.doubt, reset };
}

function readEventTime(
  packet: RadiusPacket,
  arrivedAt: number,
  nas: string,
  { clocks, lateWindow }: Origin,
): EventTime {
  const claimed = packet.integer(attributeType.eventTimestamp);
  const delay = packet.integer(attributeType.acctDelayTime);
  const time = resolveEventTime(
    arrivedAt,
    claimed === undefined ? undefined : claimed + clocks.offset(nas) / 1000,
    delay,
    { lateWindowMs: lateWindow, clockWasRight: clocks.wasRight(nas) },
  );
  if (time.clockIsRight === true) {
    clocks.noteRight(nas);
    // What it says to have been delayed is late for that reason.
    if (claimed !== undefined) clocks.note(nas, (claimed + (delay ?? 0)) * 1000, arrivedAt);
  }
  return time;
}

/** Framed-IP-Address (RFC 2865, section 5.8) where it is an address, or Framed-IPv6-Address (RFC 6911, section 3.1). */
function readIpAddress(packet: RadiusPacket): string | undefined {
  const v4 = packet.octets(attributeType.framedIpAddress);
  // 255.255.255.255 and 255.255.255.254 let the user or the NAS choose, 0.0.0.0 is none yet, and a link-local one is made up.
  const isAddress = v4?.length === 4 && v4[0] !== 0 && v4[0] !== 255 && !(v4[0] === 169 && v4[1] === 254);
  if (isAddress) return v4.join('.');
  const v6 = packet.octets(attributeType.framedIpv6Address);
  return v6?.length === 16 ? new ipaddr.IPv6([...v6]).toString() : undefined;
}

const gigaword = 2 ** 32;

/**
 * Octets in both directions. The 32-bit counters wrap, and Gigawords count how often (RFC 2869, sections 5.1 and 5.2). A
 * number holds 2^53 octets, eight petabytes; the sum is kept below that, so that it stays exact.
 */
function readOctets(packet: RadiusPacket): number | undefined {
  const input = packet.integer(attributeType.acctInputOctets);
  const output = packet.integer(attributeType.acctOutputOctets);
  if (input === undefined && output === undefined) return undefined;
  const wraps =
    (packet.integer(attributeType.acctInputGigawords) ?? 0) + (packet.integer(attributeType.acctOutputGigawords) ?? 0);
  return Math.min((input ?? 0) + (output ?? 0) + wraps * gigaword, Number.MAX_SAFE_INTEGER);
}
