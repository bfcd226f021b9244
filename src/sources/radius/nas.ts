import ipaddr from 'ipaddr.js';
import { nasKey } from '../../observation/session-key.ts';
import { attributeType } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';

/**
 * Which NAS a packet speaks for: NAS-Identifier, which survives a change of address, else its address, else the sender's
 * (RFC 2866, section 5 wants one of the first two; a proxy may be the sender of many).
 */
export function readNasKey(packet: RadiusPacket, spaceId: string, senderAddress: string): string {
  return nasKey(spaceId, packet.text(attributeType.nasIdentifier) ?? nasAddress(packet) ?? senderAddress);
}

function nasAddress(packet: RadiusPacket): string | undefined {
  const v4 = packet.octets(attributeType.nasIpAddress);
  if (v4?.length === 4 && v4.readUInt32BE() !== 0) return `${v4[0]!}.${v4[1]!}.${v4[2]!}.${v4[3]!}`;
  const v6 = packet.octets(attributeType.nasIpv6Address);
  return v6?.length === 16 ? ipaddr.fromByteArray([...v6]).toString() : undefined;
}
