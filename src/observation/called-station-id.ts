import { isIP } from 'node:net';
import { isMacSpelling, parseMacAddress, type MacAddress } from './mac-address.ts';

/** What a Called-Station-Id says about where a station is. */
export type CalledStation = {
  /** The access point: its BSSID where one is given, else the name or address that stands in its place. */
  readonly accessPoint?: string;
  readonly bssid?: MacAddress;
  readonly ssid?: string;
};

const longestFirst = [17, 14, 13, 12];

/**
 * Splits `BSSID:SSID` (RFC 3580, section 3.20). The BSSID may itself be written with colons, and the SSID may hold any
 * character, so the split is at the first colon after the address. Text without an address is the name of an access
 * point or hotspot, or the address of a controller; `name:SSID` is what Cisco controllers send on request.
 */
export function parseCalledStationId(text: string): CalledStation {
  for (const length of longestFirst) {
    if (text.length !== length && text[length] !== ':') continue;
    const address = text.slice(0, length);
    const ssid = text.slice(length + 1);
    const bssid = parseMacAddress(address);
    if (bssid !== undefined) return { accessPoint: bssid, bssid, ...(ssid === '' ? {} : { ssid }) };
    if (isMacSpelling(address)) return ssid === '' ? {} : { ssid };
  }
  const colon = text.indexOf(':');
  if (colon > 0 && colon < text.length - 1 && isIP(text) === 0) {
    return { accessPoint: text.slice(0, colon), ssid: text.slice(colon + 1) };
  }
  return text === '' ? {} : { accessPoint: text };
}
