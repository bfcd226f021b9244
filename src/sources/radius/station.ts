import { macFromBytes, parseMacAddress, type MacAddress } from '../../observation/mac-address.ts';
import { attributeType, vendorAttribute } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';

/**
 * The station's address. Calling-Station-Id should hold it (RFC 3580, section 3.21); where that is an IP address, or
 * missing, other attributes are known to, in this order. A User-Name counts only when it is an address and nothing else.
 */
export function readStation(packet: RadiusPacket): MacAddress | undefined {
  const at = packet.find(attributeType.callingStationId);
  return (
    (at === -1 ? undefined : callingStation(packet, at)) ??
    stationInSessionId(packet) ??
    stationInAvPair(packet) ??
    parseMacAddress(packet.text(attributeType.userName) ?? '')
  );
}

function callingStation(packet: RadiusPacket, at: number): MacAddress | undefined {
  // Huawei controllers can be set to send six raw bytes; no spelling has six characters.
  if (packet.bytes[at + 1] === 8) return macFromBytes(packet.bytes, at + 2);
  const text = packet.textAt(at) ?? '';
  const mac = parseMacAddress(text);
  if (mac !== undefined) return mac;
  // Some add the SSID, as Called-Station-Id has it.
  if (text[17] === ':') return parseMacAddress(text.slice(0, 17));
  // Juniper switches join several values with `#` (calling-station-id-delimiter).
  return firstDefined(text.split('#'), parseMacAddress);
}

/** Cisco AireOS writes `646f26a4/00:00:5e:00:53:01/911`: time, station, counter. */
function stationInSessionId(packet: RadiusPacket): MacAddress | undefined {
  const parts = packet.text(attributeType.acctSessionId)?.split('/');
  return parts?.length === 3 ? parseMacAddress(parts[1]!) : undefined;
}

const clientMacAddress = 'client-mac-address=';

/** Cisco broadband gateways send no Calling-Station-Id, but this. */
function stationInAvPair(packet: RadiusPacket): MacAddress | undefined {
  return firstDefined(packet.vendorTexts(vendorAttribute.ciscoAvPair), (pair) =>
    pair.startsWith(clientMacAddress) ? parseMacAddress(pair.slice(clientMacAddress.length)) : undefined,
  );
}

function firstDefined<In, Out>(values: Iterable<In>, pick: (value: In) => Out | undefined): Out | undefined {
  for (const value of values) {
    const picked = pick(value);
    if (picked !== undefined) return picked;
  }
  return undefined;
}
