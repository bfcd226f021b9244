import ipaddr from 'ipaddr.js';
import { isAnonymousIdentity, type Identity } from '../../observation/identity.ts';
import type { Observation } from '../../observation/observation.ts';
import { toPlainText } from '../../runtime/plain-text.ts';
import type { PushedItem } from './schema.ts';

/** Where and when a batch came in. Instants are epoch milliseconds. */
export type Arrival = {
  readonly sourceId: string;
  readonly spaceId: string;
  readonly now: number;
  /** When its sender says that it was sent; it stands for what has no time of its own. */
  readonly sentAt: number;
  /** Older evidence moves nothing, milliseconds. */
  readonly lateWindow: number;
};

/** Why an entry leads to nothing. Sending it again would not help. */
export type IgnoredReason = 'tooOld' | 'anonymous';

export type Mapped =
  | { readonly type: 'observation'; readonly observation: Observation }
  | { readonly type: 'ignored'; readonly reason: IgnoredReason };

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What an entry says, in the words of everything behind the sources. Nothing happens later than now. */
export function mapItem(item: PushedItem, { sourceId, spaceId, now, sentAt, lateWindow }: Arrival): Mapped {
  const at = Math.min(item.at ?? sentAt, now);
  if (at < now - lateWindow) return { type: 'ignored', reason: 'tooOld' };
  const identity = readIdentity(item);
  if (item.mac === undefined && identity === undefined) return { type: 'ignored', reason: 'anonymous' };
  const observation: Writable<Observation> = { sourceId, spaceId, kind: item.kind, at };
  if (item.mac !== undefined) observation.station = item.mac;
  if (identity !== undefined) observation.identities = [identity];
  const ipAddress = item.ipAddress === undefined ? undefined : canonicalAddress(item.ipAddress);
  if (ipAddress !== undefined) observation.ipAddress = ipAddress;
  if (item.hostname !== undefined) observation.hostname = toPlainText(item.hostname);
  if (item.accessPoint !== undefined) observation.accessPoint = toPlainText(item.accessPoint);
  if (item.ssid !== undefined) observation.ssid = toPlainText(item.ssid);
  return { type: 'observation', observation };
}

/** One that hides the person is none. */
function readIdentity({ identity, identityKind = 'portal' }: PushedItem): Identity | undefined {
  return identity === undefined || isAnonymousIdentity(identity) ? undefined : { kind: identityKind, text: identity };
}

/** Addresses that a station has before it is given one, or has made up for one link, say nothing about it. */
const nobodys = new Set(['unspecified', 'broadcast', 'multicast', 'loopback', 'linkLocal']);

/** An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291, section 2.5.5.2). */
function canonicalAddress(text: string): string | undefined {
  const address = ipaddr.process(text);
  return nobodys.has(address.range()) ? undefined : address.toString();
}
