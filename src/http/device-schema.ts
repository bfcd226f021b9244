import { z } from 'zod';
import { deviceClasses } from '../identity/device-class.ts';
import { longestDeviceName } from '../identity/device-fields.ts';
import type { Device, SeenDevice } from '../identity/devices.ts';
import { isLocallyAdministered } from '../observation/mac-address.ts';
import { vendorOf } from '../observation/vendor.ts';
import type { Caller } from './access.ts';
import { id, instant, line } from './fields.ts';
import { addressFor, maskAddress } from './mac-field.ts';

export const deviceSchema = z
  .object({
    id: z.string(),
    mac: z.string().describe('Its address; only the last digits unless the token is of the role admin or platform'),
    random: z.boolean().describe('Whether it made the address up (locally administered), as phones do'),
    vendor: z
      .string()
      .nullable()
      .describe('Who made its radio, as the IEEE lists the address; null when it made the address up'),
    customerId: z.string(),
    name: z.string().nullable(),
    class: z.enum(deviceClasses).nullable(),
    createdAt: instant,
    updatedAt: instant,
    lastSeenAt: instant
      .nullable()
      .optional()
      .describe(
        'When it was last active in a check-in; only where one device, or those of one customer, are asked for',
      ),
  })
  .meta({ id: 'Device' });

export const deviceFieldsSchema = z.strictObject({
  customerId: id,
  name: line(longestDeviceName).nullish(),
  class: z.enum(deviceClasses).nullish(),
  replaces: z
    .string()
    .trim()
    .min(1)
    .max(64)
    .optional()
    .describe('A device of the same customer, by its id or address, that is forgotten in the same step'),
});

export function toDeviceView(caller: Caller, device: Device | SeenDevice): z.output<typeof deviceSchema> {
  const { mac } = device;
  return { ...device, mac: addressFor(caller, mac), random: isLocallyAdministered(mac), vendor: vendorOf(mac) };
}

/** A device in the offer of those that a new one may replace. The caller may be anybody who registers one. */
export function toOffer({ id, name, mac, class: deviceClass, lastSeenAt, createdAt }: SeenDevice): object {
  return {
    id,
    name,
    mac: maskAddress(mac),
    class: deviceClass,
    lastSeenAt: lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
  };
}
