import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { parseIpAddress, type IpAddress } from '../observation/ip-address.ts';
import type { MacAddress } from '../observation/mac-address.ts';
import type { CallingStation, UnknownBecause } from '../presence/calling-station.ts';
import { isForwarded, isLoopbackAddress } from './auth.ts';
import { Problem } from './problem.ts';

/** Which device makes a call, or why that cannot be known. */
export type CallingDevice =
  | { readonly known: true; readonly station: MacAddress }
  | { readonly known: false; readonly reason: UnknownDevice };

export const unknownDevices = ['thisMachine', 'untrustedProxy', 'unknownAddress', 'ambiguous', 'shared'] as const;
type UnknownDevice = (typeof unknownDevices)[number] & ('thisMachine' | 'untrustedProxy' | UnknownBecause);

export type FindCallingDevice = (request: FastifyRequest) => Promise<CallingDevice>;

/** What is said to people: what is wrong, and who can do what about it. */
export const explanations: Readonly<Record<UnknownDevice, string>> = {
  thisMachine:
    'the call reaches Rollcall from its own machine, so it cannot be known which device makes it; where a proxy on this machine passes calls on, name it in http.trustProxy and let it send X-Forwarded-For',
  untrustedProxy:
    'the call came through a proxy, so it cannot be known which device makes it; name that proxy in http.trustProxy and let it send X-Forwarded-For, or call without one',
  unknownAddress:
    'nothing on the network has told Rollcall which device has the address of this call; join the Wi-Fi of the space with this device, without a VPN, and try again in a minute, or ask the front desk',
  ambiguous:
    'several devices were said to have the address of this call, and which one makes it cannot be known; leave the Wi-Fi, join it again and try once more, or ask the front desk',
  shared:
    'several devices share the address of this call, since a router or repeater stands between; join the Wi-Fi of the space directly and try again, or ask the front desk',
};

/**
 * The device is found by the network address that the connection comes from, and by nothing that its caller says: no
 * body and no header, unless a proxy of `trustProxy` has written it.
 */
export function createCallingDevice(
  findStation: (address: IpAddress) => Promise<CallingStation>,
  trustProxy: readonly string[],
): FindCallingDevice {
  const isProxy = createRanges(trustProxy);
  return async (request) => {
    const { ip } = request;
    // Behind a trusted proxy this is whom the proxy speaks for; otherwise the other end of the connection.
    const isDirect = ip === request.socket.remoteAddress;
    if (isLoopbackAddress(ip)) return { known: false, reason: 'thisMachine' };
    if (isProxy(ip) || (isDirect && isForwarded(request))) return { known: false, reason: 'untrustedProxy' };
    const address = parseIpAddress(ip);
    return address === undefined ? { known: false, reason: 'unknownAddress' } : await findStation(address);
  };
}

export function refuseUnknown(reason: UnknownDevice): Problem {
  const members = { reason };
  return reason === 'shared'
    ? new Problem(409, 'deviceShared', explanations.shared, { members })
    : new Problem(422, 'deviceUnknown', explanations[reason], { members });
}

function createRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', length = ''] = range.split('/');
    list.addSubnet(network, Number(length), isIPv6(network) ? 'ipv6' : 'ipv4');
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
