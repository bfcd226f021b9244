import { parseMacAddress, type MacAddress } from '../../observation/mac-address.ts';
import { attributeType } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';

/**
 * Who the network says it is, best evidence first. A Chargeable-User-Identity is written by the server that authenticated
 * the person (RFC 4372), while a User-Name may be no more than the outer identity, which a phone can set to anything.
 */
export function readIdentities(packet: RadiusPacket, station: MacAddress | undefined): readonly string[] | undefined {
  const chargeable = readChargeableUserIdentity(packet);
  const userName = readUserName(packet, station);
  // A NAS asks for an identity with a lone NUL (RFC 4372, section 2.1), which reads as absent.
  if (chargeable === undefined) return userName === undefined ? undefined : [userName];
  return userName === undefined || userName === chargeable ? [chargeable] : [chargeable, userName];
}

/** Opaque octets (RFC 4372, section 2.2). Where they are no text, hexadecimal keeps two of them apart. */
function readChargeableUserIdentity(packet: RadiusPacket): string | undefined {
  const text = packet.text(attributeType.chargeableUserIdentity);
  if (text === undefined || !text.includes('\u{FFFD}')) return text;
  return packet.octets(attributeType.chargeableUserIdentity)?.toString('hex');
}

function readUserName(packet: RadiusPacket, station: MacAddress | undefined): string | undefined {
  const name = packet.text(attributeType.userName)?.trim();
  if (name === undefined || isAnonymous(name) || isAddress(name, station)) return undefined;
  return name;
}

/** Outer identities that hide the person: none, or `anonymous`, before the realm (RFC 7542, section 2.4). */
function isAnonymous(name: string): boolean {
  const first = name.charCodeAt(0);
  // Nearly every name is told apart by its first letter.
  if (first !== 0x61 && first !== 0x41 && first !== 0x40 && !Number.isNaN(first)) return false;
  return /^(?:anonymous|anon)?(?:@.*)?$/i.test(name);
}

/** MAC authentication sends the address as the name. Twelve decimal digits of somebody else are a phone or member number. */
function isAddress(name: string, station: MacAddress | undefined): boolean {
  const mac = parseMacAddress(name);
  return mac !== undefined && (mac === station || !/^\d{12}$/.test(name));
}
