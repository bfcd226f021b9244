import { parseCalledStationId, type CalledStation } from '../../observation/called-station-id.ts';
import { attributeType, vendorAttribute, type VendorAttribute } from '../../protocols/radius/dictionary.ts';
import type { RadiusPacket } from '../../protocols/radius/packet.ts';

/** Where vendors that leave it out of Called-Station-Id put the SSID. */
const ssidAttributes = [
  vendorAttribute.arubaEssidName,
  vendorAttribute.ruckusSsid,
  vendorAttribute.fortinetSsid,
  vendorAttribute.trapezeSsid,
  vendorAttribute.symbolCurrentEssid,
  vendorAttribute.siemensSsid,
  vendorAttribute.threeComSsid,
];
/** Cisco 9800 and Cisco IOS. */
const ssidPairs = ['cisco-wlan-ssid=', 'ssid='];
const accessPointAttributes = [
  vendorAttribute.arubaLocationId,
  vendorAttribute.merakiApName,
  vendorAttribute.merakiDeviceName,
];

/** The access point and the SSID, from Called-Station-Id (RFC 3580, section 3.20) and the vendor's attributes. */
export function readPlace(packet: RadiusPacket): CalledStation {
  const called = readCalledStation(packet);
  if (called.ssid !== undefined && called.accessPoint !== undefined) return called;
  if (packet.find(attributeType.vendorSpecific) === -1) return called;
  const ssid = called.ssid ?? vendorSsid(packet);
  const accessPoint = called.accessPoint ?? firstVendorText(packet, accessPointAttributes);
  return {
    ...called,
    ...(accessPoint === undefined ? {} : { accessPoint }),
    ...(ssid === undefined ? {} : { ssid }),
  };
}

/** Some switches send the attribute twice, in two shapes (inverse-inc/packetfence, issue 1142); the one that says most is taken. */
function readCalledStation(packet: RadiusPacket): CalledStation {
  let best: CalledStation = {};
  for (let at = packet.find(attributeType.calledStationId); at !== -1;) {
    const called = parseCalledStationId(packet.textAt(at) ?? '');
    if (worth(called) > worth(best)) best = called;
    at = packet.find(attributeType.calledStationId, packet.next(at));
  }
  return best;
}

function worth({ accessPoint, bssid, ssid }: CalledStation): number {
  return (accessPoint === undefined ? 0 : 1) + (bssid === undefined ? 0 : 2) + (ssid === undefined ? 0 : 4);
}

function vendorSsid(packet: RadiusPacket): string | undefined {
  const ssid = firstVendorText(packet, ssidAttributes);
  if (ssid !== undefined) return ssid;
  for (const pair of packet.vendorTexts(vendorAttribute.ciscoAvPair)) {
    for (const name of ssidPairs) {
      if (pair.startsWith(name) && pair.length > name.length) return pair.slice(name.length);
    }
  }
  return undefined;
}

function firstVendorText(packet: RadiusPacket, attributes: readonly VendorAttribute[]): string | undefined {
  for (const attribute of attributes) {
    const text = packet.vendorText(attribute);
    if (text !== undefined) return text;
  }
  return undefined;
}
