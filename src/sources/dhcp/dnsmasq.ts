import { parseIpAddress } from '../../observation/ip-address.ts';
import { parseMacAddress } from '../../observation/mac-address.ts';
import { toPlainText } from '../../runtime/plain-text.ts';
import type { Lease, LeaseList } from './lease.ts';

/** Built for devices whose clock has no battery, dnsmasq writes how long a lease is in place of when it ends. */
const firstDate = 1_000_000_000;
const longestName = 253;

/**
 * dnsmasq's lease file (dnsmasq 2.90, src/lease.c): `expiry mac ip host|* clientid|*`, expiry in epoch seconds or 0 for
 * never. What is no Ethernet address has its type in front (`06-…`). Behind the line `duid …` come IPv6 leases, which
 * name no MAC address: an IAID and a DUID are opaque (RFC 8415, section 11), so they are left out.
 */
export function parseDnsmasqLeases(text: string): LeaseList {
  const lines = text.split('\n');
  const isComplete = lines.at(-1) === '';
  const end = lines.findIndex((line) => line.startsWith('duid '));
  // A last line without its end may have lost a part of its name, or of its address.
  const whole = lines.slice(0, end === -1 ? -1 : end);
  return { leases: whole.flatMap((line) => parseLine(line) ?? []), isComplete };
}

function parseLine(line: string): Lease | undefined {
  const [expiry = '', mac = '', ip = '', host = '*'] = line.split(' ');
  const station = parseMacAddress(mac);
  const ipAddress = parseIpAddress(ip);
  if (!/^\d{1,12}$/.test(expiry) || station === undefined || ipAddress === undefined) return undefined;
  const name = toPlainText(host.slice(0, longestName));
  return { station, ipAddress, until: endOf(Number(expiry)), ...(name !== '*' && name !== '' && { hostname: name }) };
}

function endOf(expiry: number): number | undefined {
  if (expiry === 0) return Infinity;
  return expiry < firstDate ? undefined : expiry * 1000;
}
