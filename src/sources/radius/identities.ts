import { isAnonymousIdentity, type Identity } from '../../observation/identity.ts';
import { parseMacAddress, type MacAddress } from '../../observation/mac-address.ts';
import { attributeType } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';

/**
 * Who the network says it is. A Chargeable-User-Identity and a Class are written by the server that authenticated the
 * person (RFC 4372; RFC 2865, section 5.25), while a User-Name may be no more than the outer identity, which a phone can
 * set to anything.
 */
export function readIdentities(packet: RadiusPacket, station: MacAddress | undefined): readonly Identity[] | undefined {
  let found: Identity[] | undefined;
  const chargeable = opaqueTextAt(packet, packet.find(attributeType.chargeableUserIdentity));
  if (chargeable !== undefined) found = [{ kind: 'chargeableUserIdentity', text: chargeable }];
  const userName = readUserName(packet, station);
  if (userName !== undefined) (found ??= []).push({ kind: 'userName', text: userName });
  for (let at = packet.find(attributeType.class); at !== -1; at = packet.find(attributeType.class, packet.next(at))) {
    const text = opaqueTextAt(packet, at);
    if (text !== undefined) (found ??= []).push({ kind: 'class', text });
  }
  return found;
}

/**
 * Opaque octets (RFC 4372, section 2.2), by which two must be told apart: as text, or in hexadecimal where they are none.
 * A NAS asks for a Chargeable-User-Identity with a lone NUL (RFC 4372, section 2.1), which reads as absent.
 */
function opaqueTextAt(packet: RadiusPacket, offset: number): string | undefined {
  if (offset === -1) return undefined;
  const text = packet.textAt(offset);
  if (text === undefined || !text.includes('\u{FFFD}')) return text;
  return packet.bytes.toString('hex', offset + 2, packet.next(offset));
}

function readUserName(packet: RadiusPacket, station: MacAddress | undefined): string | undefined {
  const name = packet.text(attributeType.userName)?.trim();
  if (name === undefined || isAnonymousIdentity(name) || isAddress(name, station)) return undefined;
  return name;
}

/** MAC authentication sends the address as the name. Twelve decimal digits of somebody else are a phone or member number. */
function isAddress(name: string, station: MacAddress | undefined): boolean {
  const mac = parseMacAddress(name);
  return mac !== undefined && (mac === station || !/^\d{12}$/.test(name));
}
