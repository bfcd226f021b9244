import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseIpAddress, type IpAddress } from '../../observation/ip-address.ts';
import { parseMacAddress, type MacAddress } from '../../observation/mac-address.ts';

/** Who answers for an address on one of this host's own networks. */
export type Neighbour = {
  readonly address: IpAddress;
  readonly station: MacAddress;
  /** The interface, such as `eth0`. */
  readonly device: string;
};

const ethernet = '0x1';
/** Flags of an entry (linux/if_arp.h). */
const complete = 0x02;
const published = 0x08;
/** Flags of a route (linux/route.h). */
const isGatewayRoute = 0x02;

/** The rows of /proc/net/arp that are complete; what is being asked for, and what we publish for others, says nothing. */
export function parseArpTable(text: string): readonly Neighbour[] {
  return text.split('\n').flatMap((line) => {
    const [ip = '', type, flagText = '', mac = '', , device = ''] = line.trim().split(/\s+/);
    const flags = Number(flagText);
    const [address, station] = [parseIpAddress(ip), parseMacAddress(mac)];
    const isUsable = type === ethernet && (flags & complete) !== 0 && (flags & published) === 0;
    return isUsable && address !== undefined && station !== undefined ? [{ address, station, device }] : [];
  });
}

/** The gateways of /proc/net/route, whose addresses are hexadecimal in the byte order of the machine, which is little-endian. */
export function parseGateways(text: string): readonly IpAddress[] {
  return text.split('\n').flatMap((line) => {
    const [, , gateway = '', flags = ''] = line.trim().split(/\s+/);
    if (!/^[0-9A-F]{8}$/i.test(gateway) || (Number.parseInt(flags, 16) & isGatewayRoute) === 0) return [];
    const address = parseIpAddress([...Buffer.from(gateway, 'hex')].toReversed().join('.'));
    return address === undefined ? [] : [address];
  });
}

export type FoundNeighbour = {
  readonly station: MacAddress | undefined;
  /** Whether this is a router, or something else that answers for several addresses: then it is nobody's device. */
  readonly isShared: boolean;
};

/**
 * What this host's own neighbour table says of an address now; undefined when it is none of its neighbours. IPv4 only:
 * the kernel gives no file of the IPv6 neighbours, and an address is never taken apart for the MAC address in it.
 */
export async function findNeighbour(address: IpAddress, directory = '/proc/net'): Promise<FoundNeighbour | undefined> {
  const [arp, route] = await Promise.all([readTable(directory, 'arp'), readTable(directory, 'route')]);
  const neighbours = parseArpTable(arp);
  const gateways = new Set(parseGateways(route));
  const found = neighbours.find((neighbour) => neighbour.address === address);
  if (found === undefined) return gateways.has(address) ? { station: undefined, isShared: true } : undefined;
  const same = neighbours.filter(({ station, device }) => station === found.station && device === found.device);
  return { station: found.station, isShared: same.length > 1 || same.some((one) => gateways.has(one.address)) };
}

/** Empty where there is no such file: not every system is Linux, and some hide it. */
async function readTable(directory: string, name: string): Promise<string> {
  try {
    return await readFile(join(directory, name), 'utf8');
  } catch {
    return '';
  }
}
