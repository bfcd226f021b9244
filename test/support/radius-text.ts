import {
  addressAttribute,
  integerAttribute,
  octetsAttribute,
  textAttribute,
  type Attribute,
} from '../../src/protocols/radius/attribute.ts';

/**
 * Attributes as text, one `Name = value` per line, in the manner of radclient: text in quotes, numbers, dotted addresses, `0x`
 * octets, and times as ISO 8601. `#` begins a comment. Throws on anything else, since fixtures are ours.
 */
export function parseRadiusText(text: string): Attribute[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLine);
}

type Kind = 'text' | 'integer' | 'address' | 'octets' | 'time';
type Entry = { readonly type: number; readonly kind: Kind; readonly vendor?: number };

const entries: Readonly<Record<string, Entry>> = {
  'User-Name': { type: 1, kind: 'text' },
  'NAS-IP-Address': { type: 4, kind: 'address' },
  'NAS-Port': { type: 5, kind: 'integer' },
  'Service-Type': { type: 6, kind: 'integer' },
  'Framed-IP-Address': { type: 8, kind: 'address' },
  Class: { type: 25, kind: 'octets' },
  'Called-Station-Id': { type: 30, kind: 'text' },
  'Calling-Station-Id': { type: 31, kind: 'text' },
  'NAS-Identifier': { type: 32, kind: 'text' },
  'Proxy-State': { type: 33, kind: 'octets' },
  'Acct-Status-Type': { type: 40, kind: 'integer' },
  'Acct-Delay-Time': { type: 41, kind: 'integer' },
  'Acct-Input-Octets': { type: 42, kind: 'integer' },
  'Acct-Output-Octets': { type: 43, kind: 'integer' },
  'Acct-Session-Id': { type: 44, kind: 'text' },
  'Acct-Authentic': { type: 45, kind: 'integer' },
  'Acct-Session-Time': { type: 46, kind: 'integer' },
  'Acct-Input-Packets': { type: 47, kind: 'integer' },
  'Acct-Output-Packets': { type: 48, kind: 'integer' },
  'Acct-Terminate-Cause': { type: 49, kind: 'integer' },
  'Acct-Multi-Session-Id': { type: 50, kind: 'text' },
  'Acct-Input-Gigawords': { type: 52, kind: 'integer' },
  'Acct-Output-Gigawords': { type: 53, kind: 'integer' },
  'Event-Timestamp': { type: 55, kind: 'time' },
  'NAS-Port-Type': { type: 61, kind: 'integer' },
  'Connect-Info': { type: 77, kind: 'text' },
  'NAS-Port-Id': { type: 87, kind: 'text' },
  'Chargeable-User-Identity': { type: 89, kind: 'octets' },
  'NAS-IPv6-Address': { type: 95, kind: 'octets' },
  'Framed-IPv6-Prefix': { type: 97, kind: 'octets' },
  'WLAN-Pairwise-Cipher': { type: 186, kind: 'integer' },
  'WLAN-Group-Cipher': { type: 187, kind: 'integer' },
  'WLAN-AKM-Suite': { type: 188, kind: 'integer' },
  'Cisco-AVPair': { vendor: 9, type: 1, kind: 'text' },
  'Symbol-Current-ESSID': { vendor: 388, type: 2, kind: 'text' },
  'Huawei-Connect-ID': { vendor: 2011, type: 26, kind: 'integer' },
  'Fortinet-SSID': { vendor: 12_356, type: 7, kind: 'text' },
  'Airespace-Wlan-Id': { vendor: 14_179, type: 1, kind: 'integer' },
  'WISPr-Location-Name': { vendor: 14_122, type: 2, kind: 'text' },
  'ChilliSpot-Version': { vendor: 14_559, type: 8, kind: 'text' },
  'Aruba-Essid-Name': { vendor: 14_823, type: 5, kind: 'text' },
  'Aruba-Location-Id': { vendor: 14_823, type: 6, kind: 'text' },
  'Mikrotik-Host-IP': { vendor: 14_988, type: 10, kind: 'address' },
  'Ruckus-SSID': { vendor: 25_053, type: 3, kind: 'text' },
  'Meraki-Device-Name': { vendor: 29_671, type: 1, kind: 'text' },
  'Meraki-Ap-Name': { vendor: 29_671, type: 3, kind: 'text' },
};

/** Names of numbers, wherever they stand. */
const names: Readonly<Record<string, number>> = {
  Start: 1,
  Stop: 2,
  'Interim-Update': 3,
  'Accounting-On': 7,
  'Accounting-Off': 8,
  'Tunnel-Start': 9,
  Failed: 15,
  RADIUS: 1,
  Remote: 3,
  'Framed-User': 2,
  'User-Request': 1,
  'NAS-Reboot': 11,
  Ethernet: 15,
  'Wireless-802.11': 19,
};

function parseLine(line: string): Attribute {
  const [, name = '', value = ''] = /^([\w-]+)\s*=\s*(.+)$/.exec(line) ?? [];
  const entry = entries[name];
  if (entry === undefined) throw new Error(`not an attribute: "${line}"`);
  if (entry.vendor === undefined) return encodeValue(entry.type, entry.kind, value);
  const inner = encodeValue(entry.type, entry.kind, value).value;
  const header = Buffer.alloc(6);
  header.writeUInt32BE(entry.vendor);
  header.set([entry.type, inner.length + 2], 4);
  return octetsAttribute(26, Buffer.concat([header, inner]));
}

function encodeValue(type: number, kind: Kind, value: string): Attribute {
  // Octets may stand for anything: that is how fixtures write what is wrong on purpose.
  if (value.startsWith('0x')) return octetsAttribute(type, Buffer.from(value.slice(2), 'hex'));
  switch (kind) {
    case 'text':
      return textAttribute(type, JSON.parse(value) as string);
    case 'octets':
      return octetsAttribute(type, Buffer.from(JSON.parse(value) as string));
    case 'integer':
      return integerAttribute(type, names[value] ?? Number(value));
    case 'time':
      return integerAttribute(type, Date.parse(value) / 1000);
    case 'address':
      return addressAttribute(type, value);
    default:
      return kind satisfies never;
  }
}
