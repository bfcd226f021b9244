import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A network address of one station in the one spelling used everywhere: dotted IPv4, or IPv6 as RFC 5952 writes it. */
export type IpAddress = string & { readonly __brand: 'IpAddress' };

/** Ranges whose addresses say nothing about who has them beyond one link, or belong to nobody. */
const nobodys = new Set(['unspecified', 'broadcast', 'multicast', 'loopback', 'linkLocal']);

/** An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291, section 2.5.5.2). Undefined for all that names no station. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIP(text) === 0) return undefined;
  const address = ipaddr.process(text);
  return nobodys.has(address.range()) ? undefined : (address.toString() as IpAddress);
}
