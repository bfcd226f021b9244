import { z } from 'zod';
import { isMacSpelling, parseMacAddress, type MacAddress } from '../observation/mac-address.ts';
import { seesAddresses, type Caller } from './access.ts';

/** A hardware address in any usual spelling. */
export const macField = z
  .string()
  .max(64)
  .transform((text, context): MacAddress => {
    const address = parseMacAddress(text.trim());
    if (address !== undefined) return address;
    const why = isMacSpelling(text.trim())
      ? 'no device has this address: it is all zero, multicast or broadcast'
      : 'is not an address such as 00-00-5E-00-53-01';
    context.addIssue({ code: 'custom', message: why });
    return z.NEVER;
  })
  .meta({ description: 'MAC address in any usual spelling', type: 'string', example: '00-00-5E-00-53-01' });

/** `••-••-••-••-53-01`: as wide as the address, so that nothing moves when it is revealed. */
export function maskAddress(address: MacAddress): string {
  return `••-••-••-••-${address.slice(-5)}`;
}

export function addressFor(caller: Caller, address: MacAddress): string {
  return seesAddresses(caller) ? address : maskAddress(address);
}
